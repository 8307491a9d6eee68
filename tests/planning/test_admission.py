"""Who is admitted when all services start at once, and what of it the clock decides."""

from __future__ import annotations

import pytest

from gpuplane.catalog import default_catalog
from gpuplane.delivery.capacity_report import capacity_report, to_text
from gpuplane.planning import plan
from gpuplane.planning.cohorts.admission import Admission, NotKnown, admission
from tests.planning.wish import AS_OF, Wish, valid


def contended() -> Wish:
    """Of beta's two services one can never fit; behind it waits one for which beta's own quota is enough, if acme has not borrowed it.

    Beta does not reclaim what it lent.
    """
    wish = valid().put("tenants/acme spec.quota.h100", {"nominal_quota": 2, "borrowing_limit": 2}).put("tenants/beta spec.quota.h100", 2)
    for service in ("acme/chat", "acme/embed", "beta/rank"):
        del wish.documents[f"services/{service}"]
    for name, devices, priority in (("acme/first", 2, "critical"), ("acme/more", 1, "standard"), ("beta/large", 5, "critical"),
                                    ("beta/own", 2, "standard")):
        wish.service(name, "h100", priority=priority)
        wish.put(f"services/{name} spec.release.vllm.arguments.tensor_parallel_size", devices)
    wish.put("tenants/beta spec.preemption", {"reclaim_within_cohort": "Never"})
    return wish.put("services/acme/more spec.placement.may_borrow", True)


def found(wish: Wish, at_maximum: bool = True) -> Admission | NotKnown:
    spec = wish.spec()
    return admission(spec, plan(spec, default_catalog(), AS_OF), at_maximum)


def test_where_the_clock_decides_both_ends_are_said() -> None:
    answer = found(contended())

    assert isinstance(answer, Admission)
    assert answer.by_timing == {"acme/more": (0, 1), "beta/own": (0, 1)}
    assert answer.pending["beta/large"] == 1


def test_the_report_says_it_in_words() -> None:
    spec = contended().spec()
    text = to_text(capacity_report(spec, plan(spec, default_catalog(), AS_OF)))

    assert "Who comes first decides: admitted are of acme/more 0 to 1, beta/own 0 to 1." in text


def test_what_all_timings_agree_on_is_said_without_a_range() -> None:
    plenty = found(valid())
    short = found(valid().put("services/acme/embed spec.scaling.max_replicas", 9))

    assert isinstance(plenty, Admission)
    assert (plenty.pending, plenty.by_timing) == ({}, {})
    assert isinstance(short, Admission)
    assert sum(short.pending.values()) > 0
    assert (short.by_timing, short.timed) == ({}, True)


def test_more_replicas_than_are_looked_at_are_said_to_be() -> None:
    answer = found(valid().put("services/acme/embed spec.scaling.max_replicas", 400))

    assert isinstance(answer, Admission)
    assert not answer.timed


@pytest.mark.parametrize("at_maximum", [False, True])
def test_weights_change_nothing_where_there_is_enough(at_maximum: bool) -> None:
    assert found(valid().put("tenants/beta spec.fair_sharing_weight", 2), at_maximum) == found(valid(), at_maximum)
