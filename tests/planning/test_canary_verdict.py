"""Advance, hold or roll back: by intervals, with the reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.planning.canary_measures import questions, ready_query, steps_of, window_seconds
from gpuplane.planning.canary_verdict import (
    Samples,
    Share,
    Steps,
    Values,
    judge_canary,
    requests_needed,
)
from gpuplane.planning.intervals import difference_interval, median_interval, wilson
from tests.planning.canary_wish import OBJECTIVES, trying

AT = Steps(percent=25, steps=(5, 25, 50), hold_seconds=600, min_requests=100, replicas=1)
GOOD = Share("errors", 1, 2000, 0.01)
FINE = Samples((GOOD,), 700, 1)


@pytest.mark.parametrize(("samples", "at", "verdict", "percent", "words"), [
    (FINE, AT, "advance", 50, "errors: 1 of 2000 requests, 0.01 to 0.28 %, at most 1 %"),
    (FINE, replace(AT, percent=50), "promote", None, "1 of 2000"),
    (replace(FINE, held_seconds=599), AT, "hold", None, "25 % has lasted 599 of 600 s"),
    (replace(FINE, ready=1), replace(AT, replicas=2), "hold", None, "1 of 2 replicas answer"),
    (replace(FINE, ready=0), AT, "roll back", 0, "no replica of it answers"),
    (replace(FINE, measures=(Share("errors", 0, 99, 0.01),)), AT, "hold", None, "0 of 99 requests; 100 are needed at least"),
    (replace(FINE, measures=(Share("errors", 0, 100, 0.01),)), AT, "hold", None, "without a bad one it would take 381"),
    (replace(FINE, measures=(Share("errors", 20, 2000, 0.01),)), AT, "hold", None, "0.65 to 1.54 %"),
    (replace(FINE, measures=(Share("errors", 60, 2000, 0.01),)), AT, "roll back", 0, "2.34 to 3.84 %, at most 1 %"),
    (replace(FINE, measures=(GOOD, Share("ttft", 9, 10, 0.05)), held_seconds=1), AT, "roll back", 0, "ttft: 9 of 10 requests"),
    (replace(FINE, measures=()), replace(AT, percent=0), "advance", 5, "1 of 1 replicas answer"),
    (Samples((), 0, 0), replace(AT, percent=0), "hold", None, "0 of 1 replicas answer"),
    (replace(FINE, measures=(Values("queue", (1, 2, 1, 2, 1, 2, 1, 2), 3),)), AT, "advance", 50, "median 1 to 2 of 8 values, at most 3"),
    (replace(FINE, measures=(Values("queue", (4, 5, 4, 5, 4, 5, 4, 5), 3),)), AT, "roll back", 0, "median 4 to 5 of 8 values"),
    (replace(FINE, measures=(Values("queue", (1, 1, 1, 1, 1), 3),)), AT, "hold", None, "5 values; six are needed at least"),
    (replace(FINE, measures=(Values("queue", (1, 9, 1, 9, 1, 9), 3),)), AT, "hold", None, "median 1 to 9"),
])
def test_the_verdict_and_its_reason(samples: Samples, at: Steps, verdict: str, percent: int | None, words: str) -> None:
    found = judge_canary(samples, at)

    assert (found.verdict, found.percent) == (verdict, percent)
    assert any(words in reason for reason in found.reasons), found.reasons


def test_wilson_is_what_tables_say() -> None:
    assert [round(each, 4) for each in wilson(10, 100)] == [0.0552, 0.1744]  # Newcombe 1998, method 3, by its formula
    assert wilson(0, 0) == (0.0, 1.0)


@given(total=st.integers(1, 10_000), share=st.floats(0, 1), more=st.integers(2, 20))
def test_more_requests_of_the_same_share_never_widen_the_claim(total: int, share: float, more: int) -> None:
    bad = round(total * share)
    low, high = wilson(bad, total)
    narrow = wilson(bad * more, total * more)

    assert 0 <= low <= bad / total + 1e-9
    assert bad / total - 1e-9 <= high <= 1
    assert low - 1e-9 <= narrow[0] <= narrow[1] <= high + 1e-9


@given(allowed=st.floats(0.001, 0.5))
def test_as_many_good_requests_as_it_says_prove_a_share(allowed: float) -> None:
    assert wilson(0, requests_needed(allowed))[1] <= allowed + 1e-9
    assert wilson(0, requests_needed(allowed) - 1)[1] > allowed - 1e-6


@given(st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=60))
def test_the_median_lies_in_its_interval(values: list[float]) -> None:
    found, ordered = median_interval(values), sorted(values)

    assert found is not None
    assert found[0] <= ordered[(len(ordered) - 1) // 2] <= ordered[len(ordered) // 2] <= found[1]


@given(bad=st.integers(0, 500), total=st.integers(0, 500), worse=st.integers(0, 500))
def test_more_bad_requests_never_make_it_better(bad: int, total: int, worse: int) -> None:
    order = {"roll back": 0, "hold": 1, "advance": 2}
    before = judge_canary(replace(FINE, measures=(Share("errors", min(bad, total), total, 0.05),)), AT)
    after = judge_canary(replace(FINE, measures=(Share("errors", min(bad + worse, total), total, 0.05),)), AT)

    assert order[after.verdict] <= order[before.verdict]


def test_questions_are_of_the_canarys_pods_and_in_the_metrics_own_buckets() -> None:
    own = [{"name": "queue", "query": 'sum(vllm:num_requests_waiting{pod=~"CANARY_PODS"})', "max": 4}]
    entry = trying(objectives=["ttft_ms"], queries=own).put("services/acme/chat spec.objectives", OBJECTIVES).spec().services["acme/chat"]
    canary = entry.document.spec.running_canary
    assert canary is not None
    errors, ttft, queue = questions(entry, canary, 600)
    pods = 'tenant="acme",service="chat",pod=~"chat-canary-predictor-[a-z0-9]+-[a-z0-9]+"'

    assert errors.total == f'sum(increase(http_requests_total{{{pods},handler=~"/v1/.+"}}[600s]))'
    assert 'status="5xx"' in errors.query
    assert ttft.query == f'sum(increase(vllm:time_to_first_token_seconds_bucket{{{pods},le="0.75"}}[600s]))'
    assert (ttft.name, ttft.counts_good, str(ttft.limit)) == ("ttft_ms p95 over 800 ms", True, "0.05")
    assert queue.query == 'sum(vllm:num_requests_waiting{pod=~"chat-canary-predictor-[a-z0-9]+-[a-z0-9]+"})'
    assert ready_query(entry, canary) == f"count(up{{{pods}}} == 1)"
    assert steps_of(entry, canary) == Steps(25, (5, 25, 50), 600, 100, 1)
    assert [window_seconds(canary, held) for held in (0, 120, 9000)] == [60, 120, 600]


@pytest.mark.parametrize(("stable", "worse", "verdict", "words"), [
    ((20, 4000), 0.01, "advance", "against 20 of 4000 requests of its service"),
    ((0, 40_000), 0.001, "roll back", "percentage points more, at most 0.1"),
    ((0, 300), 0.006, "hold", "percentage points more"),
    (None, 0.01, "hold", "against 0 of 0 requests")])
def test_a_canary_is_compared_with_its_service(stable: tuple[float, float] | None, worse: float, verdict: str, words: str) -> None:
    found = judge_canary(replace(FINE, measures=(Share("errors", 20, 4000, 0.05, stable, worse),)), AT)

    assert found.verdict == verdict, found.reasons
    assert words in " ".join(found.reasons)


def test_what_its_service_misses_as_well_is_not_blamed_on_it() -> None:
    alone, both = (judge_canary(replace(FINE, measures=(Share("errors", 400, 4000, 0.05, stable),)), AT)
                   for stable in ((10, 4000), (380, 4000)))

    assert (alone.verdict, both.verdict) == ("roll back", "hold")
    assert "not to blame" in " ".join(both.reasons)


def test_newcombes_interval_is_what_his_paper_says() -> None:
    low, high = difference_interval(56, 70, 48, 80)

    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(1, 50))
def test_the_difference_lies_in_its_interval_and_turns_round(bad: int, good: int, other_bad: int, other_good: int) -> None:
    low, high = difference_interval(bad, bad + good, other_bad, other_bad + other_good)
    turned = difference_interval(other_bad, other_bad + other_good, bad, bad + good)

    assert low - 1e-9 <= bad / (bad + good) - other_bad / (other_bad + other_good) <= high + 1e-9
    assert turned == pytest.approx((-high, -low))
