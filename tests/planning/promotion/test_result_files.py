"""Result files: the forms that tools write, what is taken from them, and what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.catalog.bench_results import WrongResult
from gpuplane.planning.promotion.result_files import evaluation_result
from tests.delivery.promotion.results import REVISION, bench_serve, lm_eval
from tests.spec.strategies import json_values, paths_of, put

GSM8K = "gsm8k/exact_match,strict-match"


def read(content: Any) -> Any:
    return evaluation_result(json.dumps(content).encode())


def test_a_share_of_lm_eval_has_wilsons_interval() -> None:
    found = read(lm_eval(1024, 1319))
    measure = found.measures[GSM8K]

    assert (found.format, found.measured_on, found.says["revision"]) == ("lm-evaluation-harness", "2026-11-19", REVISION)
    assert (measure.interval, measure.samples, measure.better) == ("wilson", 1319, "higher")
    assert (measure.low, measure.value, measure.high) == pytest.approx((0.75307, 0.77635, 0.79801), abs=1e-5)
    assert found.conditions["gsm8k/n-shot"] == "5"
    assert not any("http" in value for value in (*found.says.values(), *found.conditions.values()))


def test_a_mean_that_is_no_share_has_the_interval_of_its_standard_error() -> None:
    found = read(lm_eval(results={"squad": {"f1,none": 0.7, "f1_stderr,none": 0.01, "em,none": 0.5, "em_stderr,none": "N/A"}},
                         **{"n-samples": {"squad": {"original": 900, "effective": 900}}, "higher_is_better": {"squad": {"f1": True, "em": True}}}))

    assert found.measures["squad/f1,none"].interval == "standard error"
    assert found.measures["squad/f1,none"].high == pytest.approx(0.7196, abs=1e-4)
    assert (found.measures["squad/em,none"].interval, found.measures["squad/em,none"].low) == ("none", None)


def test_a_group_counts_the_samples_of_its_tasks() -> None:
    tasks = {f"mmlu_{name}": {"acc,none": 0.5, "acc_stderr,none": 0.05, "sample_len": 100} for name in ("law", "art")}
    found = read(lm_eval(
        results={"mmlu": {"acc,none": 0.5, "acc_stderr,none": 0.031}, **tasks}, group_subtasks={"mmlu": list(tasks)},
        higher_is_better={name: {"acc": True} for name in ("mmlu", *tasks)}, **{"n-samples": {name: {"effective": 100} for name in tasks}}))

    assert found.measures["mmlu/acc,none"].samples == 200
    assert found.measures["mmlu/acc,none"].interval == "standard error"


def test_requests_of_bench_serve_give_percentiles_with_intervals() -> None:
    found = read(bench_serve(2, scale=0.95))
    p95 = found.measures["ttft_ms/p95"]

    assert (p95.interval, p95.samples) == ("order statistics", 400)
    assert p95.low is not None
    assert p95.high is not None
    assert p95.low < p95.value < p95.high
    assert found.measures["requests_per_second"].value == 4.0
    assert (found.conditions["request_rate"], found.conditions["input_tokens"]) == ("4.0", "512.0")


def test_without_samples_a_percentile_is_a_bare_number_and_a_mean_is_not() -> None:
    found = read(bench_serve(detailed=False))

    assert (found.measures["ttft_ms/p99"].interval, found.measures["ttft_ms/p99"].high) == ("none", None)
    assert found.measures["ttft_ms/mean"].interval == "standard error"


def test_failed_requests_are_a_share_and_slower_than_any() -> None:
    good, bad = read(bench_serve(3)), read(bench_serve(3, failed=30))

    assert bad.measures["failed_requests"].value == pytest.approx(30 / 430)
    assert bad.measures["ttft_ms/p90"].value > good.measures["ttft_ms/p90"].value
    assert "ttft_ms/p95" not in bad.measures


def test_the_generic_form_takes_counts_means_and_values() -> None:
    found = read({"schema_version": 1, "measured_on": "2026-11-20", "model": "m", "conditions": {"prompts": "v3"}, "measures": {
        "toxic": {"better": "lower", "counted": 3, "samples": 1000}, "rouge": {"better": "higher", "mean": 0.4, "standard_error": 0.01, "samples": 500},
        "answer_ms": {"better": "lower", "values": [float(each) for each in range(400)]}}})

    assert found.measures["toxic"].high == pytest.approx(0.00879, abs=1e-5)
    assert found.measures["rouge"].low == pytest.approx(0.3804, abs=1e-4)
    assert found.measures["answer_ms/p99"].interval == "order statistics"
    assert found.says == {"model": "m"}


@pytest.mark.parametrize(("content", "words"), [
    (b"", "is not one JSON document"), (b"{}\n{}", "append-result"), (b"[" * 100_000, "is not one JSON document"), (b"[]", "is not a JSON object"),
    (b"{}", "is of no known format"), (b'{"results": {}, "n-samples": {}}', "date is missing"),
    (json.dumps(lm_eval(results={})).encode(), "holds no figure"), (json.dumps(lm_eval(date=True)).encode(), "date is missing"),
    (json.dumps(bench_serve(completed=0)).encode(), "no request was answered"), (json.dumps(bench_serve(date="now")).encode(), "date is 'now'"),
    (json.dumps(bench_serve(p95_ttft_ms=12.0)).encode(), r"p95 of ttft is 12\.000 ms, and its samples say"),
    (json.dumps(bench_serve(completed="many")).encode(), "completed is many"),
    (b'{"schema_version": 1, "measured_on": "2026-11-20", "measures": {"a": {"better": "up"}}}', "better: Input should be"),
    (b'{"schema_version": 1, "measured_on": "2026-11-20", "measures": {"a": {"better": "lower", "counted": 9, "samples": 3}}}', "more were counted"),
    (b'{"schema_version": 1, "measured_on": "2026-02-30", "measures": {"a": {"better": "lower", "counted": 1, "samples": 3}}}', "no such day"),
])
def test_what_is_no_result_is_refused_with_the_reason(content: bytes, words: str) -> None:
    with pytest.raises(WrongResult, match=words):
        evaluation_result(content)


GENERIC: dict[str, Any] = {"schema_version": 1, "measured_on": "2026-11-20", "conditions": {"a": "b"}, "measures": {
    "a": {"better": "lower", "counted": 3, "samples": 10}, "b": {"better": "lower", "values": [1.0, 2.0]}}}
WHOLE = [lm_eval(), bench_serve(requests=3), bench_serve(requests=3, latencies=[1.0, 2.0, 3.0]), GENERIC]


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_file_is_a_defect(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(WHOLE))
    for _ in range(data.draw(st.integers(1, 3))):
        content = put(content, data.draw(st.sampled_from(paths_of(content))), data.draw(json_values))
        if not isinstance(content, dict):
            break
    try:
        found = evaluation_result(json.dumps(content).encode())
    except WrongResult:
        return
    assert all(math.isfinite(each.value) for each in found.measures.values())


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "1" + "0" * 400])
def test_what_is_not_finite_is_no_figure(number: str) -> None:
    text = json.dumps(lm_eval()).replace("0.7763457164518575", number)

    with pytest.raises(WrongResult, match="holds no figure"):
        evaluation_result(text.encode())


def test_times_whose_sum_no_float_holds_are_no_samples() -> None:
    content = bench_serve(requests=3)
    content["itls"] = [[1.7e308, 1.7e308]] * len(content["ttfts"])

    assert not any(name.startswith("latency_ms/p") and found.interval == "order statistics" for name, found in read(content).measures.items())
