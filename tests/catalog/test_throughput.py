"""Throughput profiles: what ships is plausible, and the largest rate that holds the targets is what counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.catalog import default_catalog
from gpuplane.catalog.throughput import OperatingPoint, Target, ThroughputProfile, declared_profiles, load_throughput
from gpuplane.spec.objectives import STATISTICS, TARGETS
from gpuplane.spec.throughput_profile import ThroughputProfileDocument

PUBLISHED = load_throughput()
FEW = settings(max_examples=100, deadline=None, derandomize=True)


@pytest.mark.parametrize("profile", PUBLISHED, ids=lambda profile: f"{profile.name}-{profile.input_tokens}")
def test_a_published_profile_is_complete_and_plausible(profile: ThroughputProfile) -> None:
    assert profile.gpu in default_catalog().gpus
    assert profile.provenance == "published"
    assert profile.source
    assert profile.as_of >= date(2020, 1, 1)
    assert (profile.input_tokens is None) == (profile.output_tokens is None)
    for point in profile.points:
        assert {latency for latency, _ in point.latencies_ms} <= set(TARGETS)
        assert {statistic for _, statistic in point.latencies_ms} <= set(STATISTICS)
        for latency in TARGETS:
            known = [point.latencies_ms[(latency, name)] for name in STATISTICS[1:] if (latency, name) in point.latencies_ms]
            assert known == sorted(known), "a higher percentile is never faster"
        if point.output_tokens_per_second is not None and profile.output_tokens is not None:
            assert float(point.output_tokens_per_second / point.requests_per_second) == pytest.approx(profile.output_tokens, rel=1e-3)


def test_no_profile_is_given_twice() -> None:
    keys = [(row.model, row.gpu, row.mig, row.devices_per_replica, row.engine, row.engine_version, row.input_tokens, row.output_tokens)
            for row in PUBLISHED]
    assert len(set(keys)) == len(keys)


def point(rate: str, **latencies: str) -> OperatingPoint:
    """``p99="80"`` is the 99th percentile of the latency of a request."""
    return OperatingPoint(Decimal(rate), None, {("latency_ms", name): Decimal(value) for name, value in latencies.items()})


def profile(*points: OperatingPoint) -> ThroughputProfile:
    return ThroughputProfile("x", "hf://a/b", "L4-24GB", None, 1, "vllm", "0.1.0", 1000, 100, points, "measured", "test", date(2026, 1, 1))


@pytest.mark.parametrize(("points", "targets", "rate"), [
    ((point("10", p99="50"), point("20", p99="90"), point("30", p99="120")), {("latency_ms", "p99"): "100"}, "20"),
    ((point("10", p99="50"), point("20", p99="90"), point("15", p99="120")), {("latency_ms", "p99"): "100"}, "20"),
    ((point("10", p99="101"),), {("latency_ms", "p99"): "100"}, None),
    ((point("10", p99="100"),), {("latency_ms", "p95"): "100"}, "10"),
    ((point("10", p95="50"),), {("latency_ms", "p99"): "100"}, None),
    ((point("10", p99="50"),), {("latency_ms", "mean"): "100"}, None),
    ((point("10", mean="50"),), {("latency_ms", "mean"): "50"}, "10"),
    ((point("10", p99="50"),), {("ttft_ms", "p99"): "100"}, None),
    ((point("10", p99="50"), point("12")), {}, "12"),
    ((point("10", p50="10", p99="99"),), {("latency_ms", "p90"): "50"}, None),
])
def test_the_largest_rate_that_is_known_to_hold_every_target_counts(
        points: tuple[OperatingPoint, ...], targets: dict[Target, str], rate: str | None) -> None:
    best = profile(*points).best_point({target: Decimal(bound) for target, bound in targets.items()})

    assert (best.requests_per_second if best else None) == (Decimal(rate) if rate else None)


def test_what_no_point_says_is_named() -> None:
    assert profile(point("10", p95="50")).unknown_targets({("latency_ms", "p99"): Decimal(1), ("latency_ms", "p50"): Decimal(1)}) == (
        ("latency_ms", "p99"),)


@pytest.mark.parametrize(("size", "covered"), [((1000, 100), True), ((1, 1), True), ((1001, 100), False), ((1000, 101), False), ((None, None), False)])
def test_a_profile_answers_for_requests_no_longer_than_its_own(size: tuple[int | None, int | None], covered: bool) -> None:
    assert profile(point("1")).covers(*size) is covered


def test_a_profile_without_tokens_answers_only_for_requests_without_tokens() -> None:
    without = replace(profile(point("1")), input_tokens=None, output_tokens=None)

    assert without.covers(None, None)
    assert not without.covers(1, 1)


@FEW
@given(st.sampled_from(PUBLISHED), st.sampled_from(TARGETS), st.sampled_from(STATISTICS), st.integers(1, 20_000), st.integers(0, 5_000))
def test_a_laxer_target_never_allows_less(row: ThroughputProfile, latency: str, statistic: str, bound: int, more: int) -> None:
    strict, lax = (row.best_point({(latency, statistic): Decimal(value)}) for value in (bound, bound + more))
    assert strict is None or (lax is not None and lax.requests_per_second >= strict.requests_per_second)


@FEW
@given(st.sampled_from(PUBLISHED), st.sampled_from(TARGETS), st.integers(1, 20_000))
def test_a_higher_percentile_never_allows_more(row: ThroughputProfile, latency: str, bound: int) -> None:
    rates = [best.requests_per_second if (best := row.best_point({(latency, name): Decimal(bound)})) else Decimal(0) for name in STATISTICS[1:]]
    assert rates == sorted(rates, reverse=True)


def test_a_document_becomes_one_profile_for_each_size() -> None:
    document = ThroughputProfileDocument.model_validate_json("""{"apiVersion": "gpuplane/v1", "kind": "ThroughputProfile",
        "metadata": {"name": "m"}, "spec": {"model": "hf://a/b", "gpu": "L4-24GB", "engine": "vllm", "engine_version": "0.33.0",
        "provenance": "measured", "source": "vllm bench serve", "as_of": "2026-10-01", "request_sizes": [
        {"input_tokens": 100, "output_tokens": 10, "points": [{"requests_per_second": 2, "ttft_ms": {"p99": 90.5}},
        {"requests_per_second": 1.5}]}, {"points": [{"requests_per_second": 7}]}]}}""", by_alias=True, by_name=False)
    sized, plain = declared_profiles({"m": document})

    assert (sized.input_tokens, sized.output_tokens, plain.input_tokens) == (100, 10, None)
    assert [each.requests_per_second for each in sized.points] == [Decimal("1.5"), Decimal(2)]
    assert sized.points[1].latencies_ms == {("ttft_ms", "p99"): Decimal("90.5")}
    assert (sized.provenance, sized.as_of) == ("measured", date(2026, 10, 1))
