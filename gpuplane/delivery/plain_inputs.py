"""Inputs of resources as plain data, without protobuf between: what is not plain is left to Pulumi's SDK.

The reference is ``pulumi.runtime.rpc.serialize_property`` followed by :mod:`gpuplane.delivery.offline_engine`'s reading of the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from math import copysign
from typing import Any, Final

import pulumi
from pulumi.output import contains_unknowns
from pulumi.runtime.rpc import UNKNOWN, _special_sig_key

from gpuplane.delivery.late_output import Data, LateOutput, settled

_EXACT: Final = 1 << 53
"""Whole numbers up to here are themselves as the floating point numbers that Pulumi sends."""
NOT_KNOWN: Final = object()
"""Stands, while an input is read, where an output is not known."""


class NotPlain(Exception):
    """An input that only the SDK serialises."""


class NotYet(Exception):
    """An input that is not resolved so far.

    Attributes:
        future: what it waits for.
    """

    def __init__(self, future: asyncio.Future[Any]) -> None:
        super().__init__()
        self.future = future


def plain(value: Any) -> Any:
    """A value as the planned graph has it: a copy, keys sorted, whole numbers as int.

    Raises:
        NotPlain: something in it is no plain data, or Pulumi would read it as something else.
    """
    kind = type(value)
    if kind is str:
        return value if value.isascii() and value != UNKNOWN else text(value)
    if kind is dict:
        if _special_sig_key in value:
            raise NotPlain
        return {key if type(key) is str and key.isascii() else text(key): plain(value[key]) for key in in_order(value)}
    if kind is list or kind is tuple:
        return [plain(item) for item in value]
    if kind is bool or value is None:
        return value
    if kind is int:
        return value if -_EXACT <= value <= _EXACT else int(_float(value))
    if kind is float and (value or copysign(1, value) > 0):  # the graph has 0 for -0.0, outputs have it as it is
        return int(value) if value.is_integer() else value
    raise NotPlain


def resolved(value: Any, needs: set[pulumi.Resource]) -> Any:
    """The value with what its outputs hold; :data:`NOT_KNOWN` for an output that is not known.

    Args:
        value: an input.
        needs: resources that it comes from are added.

    Raises:
        NotYet: an output in it is not resolved.
        NotPlain: an output in it is secret, failed, or holds an output.
    """
    kind = type(value)
    if kind is dict:
        return {key: resolved(item, needs) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [resolved(item, needs) for item in value]
    if isinstance(value, pulumi.Output):
        return _held(value, needs)
    return value


def state(output: pulumi.Output[Any]) -> Data:
    """What an output holds.

    Raises:
        NotYet: it is not resolved.
        NotPlain: it failed.
    """
    data = output._source.settled(output) if type(output) is LateOutput else settled(output._data)
    if data is None:
        raise NotPlain if output._data.done() else NotYet(output._data)
    return data


def _held(output: pulumi.Output[Any], needs: set[pulumi.Resource]) -> Any:
    data = state(output)
    needs |= data.resources
    if data.is_secret:
        raise NotPlain
    if contains_unknowns(data.value):
        return NOT_KNOWN
    plain(data.value)
    return data.value if data.is_known else NOT_KNOWN


def marked(value: Any, path: str, unknown: Callable[[str], Any]) -> Any:
    """The same as :func:`plain` of what :func:`resolved` gives; ``unknown`` says what stands at a path that is not known."""
    if value is NOT_KNOWN:
        return unknown(path)
    if type(value) is dict:
        if _special_sig_key in value:
            raise NotPlain
        return {text(key): marked(value[key], f"{path}.{key}", unknown) for key in in_order(value)}
    if type(value) is list:
        return [marked(item, f"{path}.{index}", unknown) for index, item in enumerate(value)]
    return plain(value)


def in_order(value: Mapping[Any, Any]) -> list[Any]:
    """Its keys, sorted.

    Raises:
        NotPlain: they cannot be.
    """
    try:
        return sorted(value)
    except TypeError:
        raise NotPlain from None


def text(value: Any) -> str:
    """A text that is one for Pulumi too.

    Raises:
        NotPlain: it is none, or stands for something.
    """
    if type(value) is not str or value == UNKNOWN:
        raise NotPlain
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotPlain from None
    return value


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise NotPlain from None
