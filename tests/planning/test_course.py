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


def test_fair_sharing_is_not_known() -> None:
    wish = valid().put("tenants/acme spec.fair_sharing_weight", 2)

    assert isinstance(Courses(wish.spec(), wish.plan()).to(MINIMUM), NotKnown)


@pytest.mark.parametrize("count", [0, 3])
def test_a_service_that_a_step_does_not_name_has_none(count: int) -> None:
    _, second = _course(valid(), {"acme/embed": count}, {"acme/chat": 1})

    assert second.of_tenants["acme"] == (1, 1)
