"""Every metric row: complete, sourced, and readable; and which release of an engine has what."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from gpuplane.catalog.metrics import Metric, load_metrics, measurable, metric_that_measures

ROWS = load_metrics()


@pytest.mark.parametrize("metric", ROWS, ids=lambda metric: f"{metric.exporter} {metric.name} {metric.measures}")
def test_a_row_is_complete(metric: Metric) -> None:
    assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", metric.name)
    assert metric.type in ("counter", "gauge", "histogram", "summary")
    assert (metric.type == "histogram") == bool(metric.buckets)
    assert (metric.type == "summary") == bool(metric.quantiles)
    assert all(low < high for low, high in pairwise(metric.buckets))
    assert set(re.findall(r'(\w+)(?:=~|!=|=)"', metric.matching)) <= metric.labels
    assert metric.since is None or metric.until is None or metric.since < metric.until


def test_no_two_rows_measure_the_same_for_one_release() -> None:
    for row in ROWS:
        if row.measures:
            same = [other for other in ROWS if (other.exporter, other.measures) == (row.exporter, row.measures)]
            assert same == [row]


@pytest.mark.parametrize("gone", [
    "vllm:gpu_cache_usage_perc", "vllm:time_per_output_token_seconds", "vllm:gpu_prefix_cache_hit_rate", "vllm:num_requests_swapped",
    "DCGM_FI_DEV_GPU_UTIL"])  # the last is not of MIG devices
def test_what_later_releases_dropped_or_mig_has_not_can_not_be_used(gone: str) -> None:
    assert gone not in {row.name for row in ROWS}


def test_a_release_has_what_it_had() -> None:
    assert metric_that_measures("vllm", "0.10.2", "time_per_output_token_ms") is None
    assert metric_that_measures("vllm", "0.11.0", "time_per_output_token_ms") is not None
    assert metric_that_measures("vllm", "nightly", "time_per_output_token_ms") is None
    assert metric_that_measures("vllm", "nightly", "ttft_ms") is not None
    assert measurable("triton", "26.07", ("ttft_ms", "latency_ms", "error_percent")) == ("latency_ms", "error_percent")
    assert measurable("an engine without rows", "1.0", ("ttft_ms", "latency_ms")) == ()
