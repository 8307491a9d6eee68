"""How a platform is changed and judged: environments of this repository, rendered once, and one object of them made wrong.

A rule without labelled manifests of others is held to this: it finds its own mutation, no other rule does (or the table says why), and
without one nothing is found.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from gpuplane.catalog import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.policies.registry import judge
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment

ROOT = Path(__file__).parents[3]
DAY = date(2026, 11, 21)
Views = tuple[ResourceView, ...]
Change = Callable[[Views], Views]
Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Mutation:
    """One mistake.

    Attributes:
        name: what somebody did, in words.
        rule: the rule that must find it.
        change: makes the mistake.
        environment: folder of the valid environment, below the repository.
        also: other rules that must find it as well, each with the reason why one change breaks both.
    """

    name: str
    rule: str
    change: Change
    environment: str = "environments/prod"
    also: Mapping[str, str] = field(default_factory=dict, hash=False)


def put(kind: str, where: str, *steps: str | int, value: Any) -> Change:
    """Writes ``value`` at a path of one object (``NAMESPACE/NAME``, or ``NAME``); parents that are missing are made."""
    return _edit(kind, where, lambda props: _put(props, steps, value))


def cut(kind: str, where: str, *steps: str | int) -> Change:
    """Takes away what stands at a path of one object."""
    return _edit(kind, where, lambda props: _cut(props, steps))


def more(kind: str, where: str, *steps: str | int, items: tuple[Any, ...]) -> Change:
    """Appends to a list at a path of one object; a list that is missing is made."""
    return _edit(kind, where, lambda props: _put(props, steps, [*(_at(props, steps) or ()), *items]))


def swap(kind: str, where: str, old: str, new: str) -> Change:
    """Writes ``new`` for ``old`` in every text of one object."""
    return _edit(kind, where, lambda props: json.loads(json.dumps(props).replace(old, new)))


def drop(kind: str, where: str) -> Change:
    """Takes one object away."""
    def change(views: Views) -> Views:
        wanted = _the(views, kind, where)
        return tuple(view for view in views if view is not wanted)
    return change


def both(first: Change, second: Change) -> Change:
    """Two changes, in this order, that are the mistake only together."""
    return lambda views: second(first(views))


def add(text: str) -> Change:
    """Adds objects, written in YAML."""
    return lambda views: views + views_of_text(text, "mutation.yaml")


def findings(environment: str, change: Change | None = None) -> frozenset[tuple[str, str]]:
    """Rule and message of everything that is found, waived or not, after a change."""
    spec, views = _rendered(environment)
    graph = PlannedGraph(views if change is None else change(views), catalog=catalog_of(spec), parameters=spec.environment.spec.policies)
    return frozenset((finding.rule, finding.message) for finding in judge(graph, (), DAY).findings)


@cache
def unchanged(environment: str) -> frozenset[tuple[str, str]]:
    """What is found where nothing was changed."""
    return findings(environment)


@cache
def triggered(mutation: Mutation) -> frozenset[str]:
    """Rules that find something that was not there before."""
    return frozenset(rule for rule, _ in findings(mutation.environment, mutation.change) - unchanged(mutation.environment))


@cache
def _rendered(environment: str) -> tuple[EnvironmentSpec, Views]:
    folder = ROOT / environment
    spec = load_environment(folder.parent, folder.name)
    return spec, tuple(render(spec, plan(spec, catalog_of(spec), DAY), lambda _: None))


def _edit(kind: str, where: str, edit: Callable[[Any], Any]) -> Change:
    def change(views: Views) -> Views:
        wanted = _the(views, kind, where)
        props = edit(wanted.props)
        made = replace(wanted, props=props, api_version=props["apiVersion"] if wanted.is_kubernetes else "")
        return tuple(made if view is wanted else view for view in views)
    return change


def _the(views: Views, kind: str, where: str) -> ResourceView:
    """The one object of that name; a table that names none, or two, is wrong."""
    (found,) = [view for view in views if view.custom and view.kind == kind and where in (view.name, f"{view.namespace}/{view.name}")]
    return found


def _at(value: Any, steps: Steps) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else value[step]  # type: ignore[index]
    return value


def _put(value: Any, steps: Steps, new: Any) -> Any:
    if not steps:
        return new
    step, *rest = steps
    if isinstance(step, int):
        return [_put(item, tuple(rest), new) if index == step else item for index, item in enumerate(value)]
    return {**(value or {}), step: _put((value or {}).get(step), tuple(rest), new)}


def _cut(value: Any, steps: Steps) -> Any:
    step, *rest = steps
    if rest:
        return _put(value, (step,), _cut(_at(value, (step,)), tuple(rest)))
    if isinstance(step, int):
        return [item for index, item in enumerate(value) if index != step]
    if step not in value:
        raise KeyError(step)
    return {key: item for key, item in value.items() if key != step}
