"""Whatever stands in a field, a rule about links answers: values that only apply can know, and such as no API server would take."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.policies.registry import all_rules

OBJECTS = tuple(yaml.safe_load_all(Path(__file__).with_name("platform.yaml").read_text()))
RULES = [rule for rule in all_rules() if rule.id.startswith("WI-") or rule.id == "RE-08"]
VALUES = (Unknown("urn:x", "x"), None, "", "x", 7, True, [], {}, [None], {"x": None}, [{"name": Unknown("urn:x", "y")}])


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*path, key)
        yield from _paths(value[key], (*path, key))


PLACES = [(number, path) for number, item in enumerate(OBJECTS) for path in _paths(item)
          if path[0] not in ("apiVersion", "kind") and path != ("metadata",) and path[:2] not in (("metadata", "name"), ("metadata", "namespace"))]


def judged(place: tuple[int, tuple[Any, ...]], value: Any) -> list[str]:
    """Messages about the platform with one value in one place."""
    number, path = place
    objects = list(OBJECTS)
    objects[number] = copy.deepcopy(objects[number])
    at: Any = objects[number]
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    graph = PlannedGraph([ResourceView(urn=f"#{n}", api_version=item["apiVersion"], kind=item["kind"], name=item["metadata"]["name"],
                                       namespace=item["metadata"].get("namespace", ""), props=item) for n, item in enumerate(objects)])
    return [finding.message for rule in RULES for finding in rule.check(graph)]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(VALUES))
def test_no_value_breaks_a_rule(place: tuple[int, tuple[Any, ...]], value: Any) -> None:
    judged(place, value)
