"""Rows that are worked out when somebody first looks: a terminal shows few of the figures that a report of files has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeVar, overload

Row = TypeVar("Row")


class Later(Sequence[Row]):
    """A sequence that is made once, when it is first asked for anything.

    Args:
        make: makes it.
        length: how long it is, where that is known before.
    """

    def __init__(self, make: Callable[[], Sequence[Row]], length: int | None = None) -> None:
        self._make, self._length = make, length

    @cached_property
    def _rows(self) -> Sequence[Row]:
        return self._make()

    def __len__(self) -> int:
        return len(self._rows) if self._length is None else self._length

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows[index]

    def __eq__(self, other: object) -> bool:
        """Whether the rows are the same, of whatever kind the other sequence is."""
        return tuple(self) == tuple(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Callable[..., Sequence[Row]], tuple[Sequence[Row]]]:
        """As the rows, which another process can use."""
        return tuple, (tuple(self),)
