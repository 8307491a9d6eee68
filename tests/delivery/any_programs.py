"""Pulumi programs of any inputs and dependencies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pulumi
from hypothesis import strategies as st
from pulumi.runtime.rpc import UNKNOWN

from tests.delivery.registered_things import Group, Seen, Thing

_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=6), st.just(UNKNOWN))
_PLAIN = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=8)
_MADE: tuple[Callable[[Any, Thing], Any], ...] = (
    lambda value, _: value, lambda value, _: pulumi.Output.from_input(value), lambda value, _: pulumi.Output.secret(value),
    lambda value, thing: thing.id, lambda value, thing: thing.urn.apply(lambda _: value), lambda value, thing: thing.id.apply(lambda _: value),
    lambda value, thing: [{"in": pulumi.Output.all(thing.urn, value)}], lambda value, thing: {"a": thing.__dict__["value"], "b": (value,)},
    lambda value, _: _later(value))


def _later(value: Any) -> Awaitable[Any]:
    async def later() -> Any:
        return value
    return later()


def of_any_inputs() -> st.SearchStrategy[Callable[[Seen], None]]:
    """Programs of a few resources with any inputs, each of some that was made before."""
    step = st.tuples(_PLAIN, st.sampled_from(_MADE), st.integers(0, 9), st.booleans(), st.booleans())
    return st.lists(step, min_size=1, max_size=4).map(lambda steps: lambda seen: _run(steps, seen))


def _run(steps: list[tuple[Any, Callable[[Any, Thing], Any], int, bool, bool]], seen: Seen) -> None:
    things, group = [Thing("first", {"value": 1})], Group("group")
    for number, (value, made, which, depends, below) in enumerate(steps):
        of = things[which % len(things)]
        options = pulumi.ResourceOptions(depends_on=[of] if depends else None, parent=group if below else None, protect=below or None)
        things.append(Thing(f"thing-{number}", {"value": made(value, of), "plain": value}, options))
        seen.note(str(number), things[-1].__dict__["value"])
