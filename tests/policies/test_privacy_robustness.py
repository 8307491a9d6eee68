"""Rules about personal data on values that nobody expects: any leaf of any example may be anything, or unknown."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.policies.registry import all_rules
from gpuplane.policies.rule import Rule
from tests.policies.test_data_rules import CASES

STRANGE: tuple[Any, ...] = (None, [], {}, 3, 2.5, True, "x", ["x"], {"x": ["y"]}, Unknown("urn:x", "y"))
PRIVACY = [rule for rule in all_rules() if rule.id.startswith("PII")]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from _paths(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, (*path, index))


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    step, *rest = path
    if isinstance(value, dict):
        return {**value, step: _put(value[step], tuple(rest), new)}
    return [_put(item, tuple(rest), new) if index == step else item for index, item in enumerate(value)]


def _changed(views: list[ResourceView]) -> Iterator[list[ResourceView]]:
    for index, view in enumerate(views):
        for path in _paths(dict(view.props)):
            for new in STRANGE:
                yield [*views[:index], replace(view, props=_put(dict(view.props), path, new)), *views[index + 1:]]


@pytest.mark.parametrize("rule", PRIVACY, ids=lambda rule: rule.id)
def test_no_value_breaks_a_rule(rule: Rule) -> None:
    examples = [list(views_of_text(example.yaml)) for example in (*rule.PASSES, *rule.FAILS)]
    examples += [views for name, views, _ in CASES.values() if name == rule.id]
    for views in examples:
        for changed in _changed(views):
            for finding in rule.check(PlannedGraph(changed)):
                assert finding.rule == rule.id
