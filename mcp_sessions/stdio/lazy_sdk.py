"""How the SDK is loaded for stdio: what this server uses of it, and the rest if anybody asks."""

import gc
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

# Their contents load clients, HTTP servers and a framework: a third of all that the SDK loads.
_PACKAGES: Final = ("mcp", "mcp.server")


@contextmanager
def light() -> Iterator[None]:
    """Load the SDK's packages without what is theirs to offer, and without a collection."""
    gc.disable()  # what a module defines stays, so that looking for garbage finds none
    for name in _PACKAGES:
        _defer(name)
    yield
    gc.freeze()
    gc.enable()


def _defer(name: str) -> None:
    """Import a package without running it; that is done when something of its own is asked for."""
    spec = importlib.util.find_spec(name)
    if name in sys.modules or spec is None or spec.loader is None:
        return
    package = importlib.util.module_from_spec(spec)
    execute = spec.loader.exec_module

    def asked(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        del package.__dict__["__getattr__"]
        execute(package)
        return getattr(package, attribute)

    package.__dict__["__getattr__"] = asked
    sys.modules[name] = package
    _attach(name, package)


def _attach(name: str, package: ModuleType) -> None:
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, package)
