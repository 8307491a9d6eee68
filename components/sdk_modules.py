"""One module of an SDK without the rest of it: ``kserve`` brings a web server with pandas, ``kubernetes`` ways to log in.

Packages above the module are there with their files and have not run yet. They run, once and as always, when anybody asks them for
something of their own, so that ``import kserve`` elsewhere finds all that it is used to (docs/adr/0029).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from threading import RLock
from types import ModuleType
from typing import Any

_LOCK = RLock()  # stacks are registered in several threads
_under_way = 0


class _Waiting(ModuleType):
    """A package that has not run yet."""

    def __getattr__(self, name: str) -> Any:
        with _LOCK:
            if name.startswith("__") or not isinstance(self, _Waiting):
                return ModuleType.__getattribute__(self, name)
            if _under_way and importlib.util.find_spec(f"{self.__name__}.{name}") is not None:
                return importlib.import_module(f"{self.__name__}.{name}")
            self.__class__ = ModuleType  # type: ignore[assignment]  # as importlib's own lazy modules do
            assert self.__spec__ is not None
            assert self.__spec__.loader is not None  # _put made it so
            self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def sdk_module(name: str) -> Any:
    """A module by its full name, e.g. ``kserve.models``.

    Raises:
        ModuleNotFoundError: there is none of that name.
    """
    global _under_way
    with _LOCK:
        found = sys.modules.get(name)
        if found is not None and not isinstance(found, _Waiting):
            return found
        above = name.split(".")[:-1]
        _under_way += 1
        try:
            for depth in range(1, len(above) + 1):
                _put(".".join(above[:depth]))
            return importlib.import_module(name)
        finally:
            _under_way -= 1


def _put(package: str) -> None:
    """A package that waits, where it is not there yet."""
    if package in sys.modules:
        return
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"there is no package {package}", name=package)
    found = _Waiting(package)
    for key, value in vars(importlib.util.module_from_spec(spec)).items():
        found.__dict__[key] = value
    sys.modules[package] = found

