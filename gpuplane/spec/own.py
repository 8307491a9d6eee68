"""A mapping cut down to one tenant, which cannot be mistaken for the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

_Value = TypeVar("_Value")


class NotOwnError(Exception):
    """Something that is to follow from one tenant's own documents asks for more."""


class Own(Mapping[str, _Value]):
    """What is known of one tenant by its name, or by ``tenant/name``; others cannot be asked for, nor can all be walked over."""

    def __init__(self, tenant: str, known: Mapping[str, _Value]) -> None:
        self._tenant, self._known = tenant, dict(known)

    def __getitem__(self, key: str) -> _Value:
        return self._known[self._own(key)]

    def get(self, key: str, default: Any = None) -> Any:
        return self._known.get(self._own(key), default)

    def __contains__(self, key: object) -> bool:
        return self._own(str(key)) in self._known

    def __iter__(self) -> Iterator[str]:
        raise NotOwnError("all tenants are asked for")

    def __len__(self) -> int:
        raise NotOwnError("the number of all tenants is asked for")

    def _own(self, key: str) -> str:
        if key.partition("/")[0] != self._tenant:
            raise NotOwnError(f"{key} is not of {self._tenant}")
        return key
