"""The machine's environment without what is its own."""

from interop.conftest import bare_environment

__all__ = ["bare_environment"]
