"""Outputs of a resource that cost nothing until somebody asks for them.

Pulumi's SDK makes four futures and a task for each property of each resource; of thousands of resources nearly none is ever read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
from pulumi.output import _OutputData

Data = _OutputData[Any]


class Source:
    """What a resource's outputs come from: nothing yet, the registration that was recorded, or the SDK's own outputs."""

    __slots__ = ("_data", "_instead", "_waiting", "urn")

    def __init__(self) -> None:
        self.urn = ""
        self._data: Callable[[str], Data] | None = None
        self._instead: dict[str, pulumi.Output[Any]] = {}
        self._waiting: list[tuple[str, asyncio.Future[Data]]] = []

    def output(self, key: str) -> LateOutput:
        """The output of one property."""
        output: LateOutput = object.__new__(LateOutput)
        output._source, output._key, output._made = self, key, None
        return output

    def resolve(self, urn: str, data: Callable[[str], Data]) -> None:
        """The resource is registered: ``data`` gives the state of each of its outputs."""
        self.urn, self._data = urn, data
        for key, future in self._waiting:
            if not future.done():
                future.set_result(data(key))
        self._waiting.clear()

    def hand_over(self, outputs: dict[str, pulumi.Output[Any]]) -> None:
        """The SDK registers the resource: its outputs, by property, are the ones that count."""
        self._instead = outputs
        for key, future in self._waiting:
            outputs[key]._data.add_done_callback(_into(future))
        self._waiting.clear()

    def future(self, output: LateOutput) -> asyncio.Future[Data]:
        """The state of an output, to be awaited."""
        if output._key in self._instead:
            return self._instead[output._key]._data
        made: asyncio.Future[Data] = asyncio.Future()
        output._made = made
        if self._data is not None:
            made.set_result(self._data(output._key))
        else:
            self._waiting.append((output._key, made))
            output._track()  # the program does not end before it is resolved
        return made

    def settled(self, output: LateOutput) -> Data | None:
        """The state of an output, if it is known by now and no error."""
        if output._made is None and self._data is not None:
            return self._data(output._key)
        return settled(output._data) if output._made is not None or self._instead else None


class LateOutput(pulumi.Output[Any]):
    """One output of a resource; its future is made when somebody waits for it."""

    _source: Source
    _key: str
    _made: asyncio.Future[Data] | None

    @property
    def _data(self) -> asyncio.Future[Data]:  # type: ignore[override]  # a plain attribute of the SDK's class
        return self._made if self._made is not None else self._source.future(self)


def settled(future: asyncio.Future[Data]) -> Data | None:
    """What a future holds, if it is done and holds no error."""
    return future.result() if future.done() and not future.cancelled() and future.exception() is None else None


def _into(future: asyncio.Future[Data]) -> Callable[[asyncio.Future[Data]], None]:
    def resolve(done: asyncio.Future[Data]) -> None:
        if future.done():
            return
        if done.cancelled():
            future.cancel()
        elif (error := done.exception()) is not None:
            future.set_exception(error)
        else:
            future.set_result(done.result())
    return resolve
