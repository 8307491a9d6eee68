"""Disruption budgets as the eviction API counts them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.graph.disruption_budgets import DisruptionBudget, budget_of
from gpuplane.graph.resource_view import ResourceView, Unknown

VIEW = ResourceView("urn", kind="PodDisruptionBudget", api_version="policy/v1")


def _budget(**spec: object) -> DisruptionBudget:
    return budget_of(replace(VIEW, props={"spec": spec}))


@pytest.mark.parametrize(("spec", "pods", "evictable"), [
    ({"maxUnavailable": 1}, 5, 1), ({"maxUnavailable": "10%"}, 3, 1), ({"maxUnavailable": "0%"}, 100, 0), ({"maxUnavailable": 0}, 5, 0),
    ({"minAvailable": 2}, 5, 3), ({"minAvailable": 5}, 5, 0), ({"minAvailable": 9}, 5, 0), ({"minAvailable": "50%"}, 3, 1),
    ({"minAvailable": "100%"}, 5, 0), ({"minAvailable": "99%"}, 99, 0), ({"minAvailable": "99%"}, 100, 1), ({}, 5, None)])
def test_so_many_of_so_many_pods_may_go(spec: dict[str, object], pods: int, evictable: int | None) -> None:
    assert _budget(**spec).evictable(pods) == evictable


@given(st.integers(0, 200) | st.integers(0, 100).map(lambda share: f"{share}%"), st.sampled_from(["maxUnavailable", "minAvailable"]))
def test_the_smallest_number_of_pods_is_the_first_of_which_one_may_go(bound: int | str, field: str) -> None:
    budget = _budget(**{field: bound})
    first = next((pods for pods in range(1, 250) if budget.evictable(pods)), None)

    assert budget.smallest == first


def test_what_only_apply_can_know_is_neither() -> None:
    assert _budget(minAvailable=Unknown("urn", "x")).unknown
    assert not _budget(minAvailable=1).unknown
