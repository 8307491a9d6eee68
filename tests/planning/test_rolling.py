"""Whether a rolling update comes to its end where quota is short."""

from __future__ import annotations

import pytest

from gpuplane.planning.cohorts.admission import NotKnown
from gpuplane.planning.cohorts.course import Courses
from gpuplane.planning.cohorts.rolling import Strategy, finished_rollouts
from tests.planning.wish import Wish, valid

SURGE, IN_PLACE = Strategy(1, 0), Strategy(0, 1)


def _finished(wish: Wish, step: dict[str, int], strategies: dict[str, Strategy]) -> dict[str, bool | None]:
    courses = Courses(wish.spec(), wish.plan())
    courses.to(step)
    found = finished_rollouts(courses, step, strategies)
    assert not isinstance(found, NotKnown)
    return dict(found)


@pytest.mark.parametrize(("replicas", "strategy", "finished"), [
    (5, SURGE, True), (6, SURGE, False), (6, IN_PLACE, True), (1, IN_PLACE, True), (6, Strategy(1, 1), True)])
def test_a_surge_needs_quota_that_is_free(replicas: int, strategy: Strategy, finished: bool) -> None:
    """acme has six GPUs of its own, and lends or borrows none."""
    wish = valid().put("tenants/acme spec.quota", {"h100": {"nominal_quota": 6, "borrowing_limit": 0}})

    assert _finished(wish, {"acme/embed": replicas}, {"acme/embed": strategy}) == {"acme/embed": finished}


def test_one_that_waits_for_its_replicas_already_keeps_its_old_ones() -> None:
    """Two of eight have no quota: those are made anew, and none that serves may go before a new one does."""
    wish = valid().put("tenants/acme spec.quota", {"h100": {"nominal_quota": 6, "borrowing_limit": 0}})

    assert _finished(wish, {"acme/embed": 8}, {"acme/embed": IN_PLACE}) == {"acme/embed": False}


def test_updates_at_once_may_live_on_what_others_give_back() -> None:
    wish = valid().put("tenants/acme spec.quota", {"h100": {"nominal_quota": 6, "borrowing_limit": 0}})
    found = _finished(wish, {"acme/chat": 3, "acme/embed": 3}, {"acme/chat": SURGE, "acme/embed": IN_PLACE})

    assert found["acme/embed"] in (True, None)
