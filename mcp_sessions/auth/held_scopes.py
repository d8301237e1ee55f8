"""Scopes that tenants keep for a while after the file has lost them.

A half-written file may be a good one in which a tenant has no `org_id` or `agent_id` yet, and would
be shown everybody's sessions. So what a tenant was held to is remembered, also while it is away or
under another name of the same callers, until `forget` says that the file is as it is meant to be.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from mcp_sessions.auth.tenants import Tenant, TenantRegister

_Scope = tuple[str | None, str | None]  # an organization, an agent
_Mark = tuple[str, str]  # a kind and a value by which a tenant is known again

_NO_SCOPE: Final[_Scope] = (None, None)


class HeldScopes:
    """The scopes that tenants have had since everything was last forgotten."""

    def __init__(self) -> None:
        self._scopes: dict[_Mark, _Scope] = {}

    def applied(self, register: TenantRegister) -> tuple[TenantRegister, list[str]]:
        """Return the register with the scopes that it lost, and the tenants that keep one so.

        What each of its tenants is held to is remembered.
        """
        marks = _marks(register)
        own = register.tenants.values()
        tenants = [_scoped(tenant, self._before(marks[tenant.name])) for tenant in own]
        for tenant in tenants:
            scope = (tenant.settings.org_id, tenant.settings.agent_id)
            self._scopes |= dict.fromkeys(marks[tenant.name], scope)
        kept = [new.name for new, old in zip(tenants, own, strict=True) if new is not old]
        return register.with_tenants(tenants), kept

    def forget(self) -> None:
        """Hold nobody to what they no longer have."""
        self._scopes.clear()

    def _before(self, marks: list[_Mark]) -> _Scope:
        """Return what a tenant of that name was held to, or else whoever had one of its callers.

        Who had no scope gets none by a caller from elsewhere, while one of its own stays.
        """
        named, *callers = (self._scopes.get(mark) for mark in marks)
        if named == _NO_SCOPE and _NO_SCOPE in callers:
            return _NO_SCOPE
        return next((scope for scope in (named, *callers) if scope and any(scope)), _NO_SCOPE)


def _scoped(tenant: Tenant, before: _Scope) -> Tenant:
    own = tenant.settings
    scope = (own.org_id or before[0], own.agent_id or before[1])
    if scope == (own.org_id, own.agent_id):
        return tenant
    return replace(
        tenant, settings=own.model_copy(update={"org_id": scope[0], "agent_id": scope[1]})
    )


def _marks(register: TenantRegister) -> dict[str, list[_Mark]]:
    """Return what each tenant is known by, its name first."""
    marks: dict[str, list[_Mark]] = {name: [("name", name)] for name in register.tenants}
    for mark, name in _callers(register):
        marks[name].append(mark)
    return marks


def _callers(register: TenantRegister) -> Iterator[tuple[_Mark, str]]:
    for kind in ("token_hashes", "subjects", "client_ids"):
        for value, name in getattr(register, kind).items():
            yield (kind, value), name
