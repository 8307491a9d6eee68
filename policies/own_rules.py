"""Rules of a user's own: packages installed beside gpuplane that name a module of rules as an entry point of the group ``gpuplane.rules``.

They are installed, and never read from the folder that is judged: a pull request changes wishes, not its judge. They only add: every
shipped rule runs as before, and an id that begins otherwise than with ``X`` is refused, for shipped rules may get it one day.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from gpuplane.policies.rule import Rule

GROUP: Final = "gpuplane.rules"
"""Entry points that name modules, or packages with modules below, of rules."""
PREFIX: Final = "X"
"""What ids of rules of a user's own begin with, e.g. ``XA-01``; no shipped one does."""


def own_rules(found: tuple[EntryPoint, ...] | None = None) -> tuple[Rule, ...]:
    """One instance of every installed rule, sorted by id.

    Args:
        found: entry points; those that are installed where it is left out.

    Raises:
        ValueError: an entry point holds no rule, or an id is one that a user's rule cannot have.
        Exception: whatever an installed module raises when it is imported; where rules cannot be had, nothing is judged.
    """
    points = tuple(entry_points(group=GROUP)) if found is None else found
    rules = [rule for point in sorted(points, key=lambda point: (point.name, point.value)) for rule in _rules_of(point)]
    for rule in rules:
        if not rule.id.startswith(PREFIX):
            raise ValueError(f"rule {rule.id} of {type(rule).__module__}: ids of rules of your own begin with {PREFIX}, e.g. XA-01")
    return tuple(sorted(rules, key=lambda rule: rule.id))


def _rules_of(point: EntryPoint) -> list[Rule]:
    rules = [rule for module in _modules(point.value) for rule in rules_in(module)]
    if not rules:
        raise ValueError(f"the entry point {point.name} = {point.value} of {GROUP} holds no rule")
    return rules


def _modules(name: str) -> Iterator[str]:
    yield name
    for below in pkgutil.walk_packages(getattr(importlib.import_module(name), "__path__", ()), f"{name}."):
        yield below.name


def rules_in(module_name: str) -> list[Rule]:
    """One instance of every rule that a module defines."""
    module = importlib.import_module(module_name)
    return [item() for _, item in inspect.getmembers(module, inspect.isclass)
            if issubclass(item, Rule) and item.__module__ == module_name and not inspect.isabstract(item)]
