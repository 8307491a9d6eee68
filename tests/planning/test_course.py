"""What Kueue would do as services scale up and down, one step after the other."""

from __future__ import annotations

from typing import cast

import pytest

from gpuplane.planning.cohorts.admission import NotKnown, admission
from gpuplane.planning.cohorts.course import Courses, Level, Replicas
from tests.planning.wish import Wish, valid


def _course(wish: Wish, *steps: Replicas) -> tuple[Level, ...]:
    courses = Courses(wish.spec(), wish.plan())
    found = tuple(courses.to(step) for step in steps)
    assert not any(isinstance(each, NotKnown) for each in found)
    return cast("tuple[Level, ...]", found)


def _bursting() -> Wish:
    """acme has six GPUs and lends them; beta has two, may borrow four, and its batch would take all six."""
    wish = valid()
    wish.put("services/beta/rank spec.scaling", {"min_replicas": 1, "max_replicas": 6}).put("services/beta/rank spec.priority", "batch")
    return wish.put("services/beta/rank spec.placement.may_borrow", True)


def _weighted(acme: float, beta: float) -> Wish:
    """Both have two GPUs, and may borrow the four that are their cohort's own."""
    wish = valid().put("environment spec.cohorts", {"all": {"quota": {"h100": {"nominal_quota": 4}}}})
    for tenant, weight, service in (("acme", acme, "embed"), ("beta", beta, "rank")):
        wish.put(f"tenants/{tenant} spec.quota", {"h100": {"nominal_quota": 2, "borrowing_limit": 6}}).put(f"tenants/{tenant} spec.fair_sharing_weight", weight)
        wish.put(f"services/{tenant}/{service} spec.scaling", {"min_replicas": 1, "max_replicas": 9})
        wish.put(f"services/{tenant}/{service} spec.placement.may_borrow", True)
    return wish


MINIMUM = {"acme/chat": 1, "acme/embed": 1, "beta/rank": 1}


def test_the_first_step_is_what_the_plan_says_of_it() -> None:
    wish = valid()
    at_once = admission(wish.spec(), wish.plan(), at_maximum=False)
    assert not isinstance(at_once, NotKnown)

    assert {name: each[0] for name, each in _course(wish, MINIMUM)[0].admitted.items()} == at_once.admitted


def test_a_burst_borrows_and_gives_back_when_the_owner_comes() -> None:
    burst, whole, calm = _course(_bursting(), {**MINIMUM, "beta/rank": 6}, {"acme/chat": 2, "acme/embed": 4, "beta/rank": 6}, MINIMUM)

    assert burst.admitted["beta/rank"] == (6, 6)
    assert burst.preempted["beta/rank"] == (0, 0)
    assert (whole.admitted["acme/chat"], whole.admitted["acme/embed"]) == ((2, 2), (4, 4))
    assert whole.admitted["beta/rank"] == (2, 2)
    assert whole.preempted["beta/rank"][1] >= 4
    assert calm.admitted == {name: (count, count) for name, count in MINIMUM.items()}


def test_who_waits_goes_first_when_a_service_shrinks() -> None:
    wish = valid().put("services/beta/rank spec.scaling", {"min_replicas": 1, "max_replicas": 9})
    first, second = _course(wish, {"beta/rank": 9}, {"beta/rank": 2})

    assert first.admitted["beta/rank"] == (6, 6)
    assert second.admitted["beta/rank"] == (2, 2)


def test_what_equals_would_get_is_open_but_not_how_much_all_of_them_get() -> None:
    wish = valid().put("tenants/acme spec.quota", {"h100": 3})
    (level,) = _course(wish, {"acme/chat": 2, "acme/embed": 3})

    assert level.of_tenants["acme"] == (3, 3) or level.of_tenants["acme"][0] >= 3
    assert level.admitted["acme/chat"][0] < level.admitted["acme/chat"][1]


@pytest.mark.parametrize(("acme", "beta", "more"), [(1, 1, (2, 2)), (3, 1, (3, 3)), (1, 3, (1, 1))])
def test_who_borrows_gets_it_by_weight(acme: int, beta: int, more: tuple[int, int]) -> None:
    """Four GPUs are the cohort's own: the lower weighted share takes the next of them, whoever was first."""
    (level,) = _course(_weighted(acme, beta), {"acme/embed": 9, "beta/rank": 9})

    assert level.admitted["acme/embed"] == (2 + more[0], 2 + more[1])
    assert level.of_tenants["beta"] == (2 + 4 - more[0], 2 + 4 - more[1])


def test_who_comes_later_takes_back_its_fair_part() -> None:
    alone, both = _course(_weighted(1, 1), {"beta/rank": 9}, {"acme/embed": 9, "beta/rank": 9})

    assert alone.admitted["beta/rank"] == (8, 8)
    assert both.admitted == {"acme/embed": (4, 4), "beta/rank": (4, 4)}
    assert both.preempted["beta/rank"][0] >= 4


@pytest.mark.parametrize("count", [0, 3])
def test_a_service_that_a_step_does_not_name_has_none(count: int) -> None:
    _, second = _course(valid(), {"acme/embed": count}, {"acme/chat": 1})

    assert second.of_tenants["acme"] == (1, 1)
