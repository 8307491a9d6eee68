"""Result files of vllm bench serve: what is read, what is refused, and that the command's document is one that plans accept."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.catalog.bench_results import BenchRun, WrongResult, bench_run, throughput_document
from gpuplane.catalog.throughput import declared_profiles
from gpuplane.cli import cli
from gpuplane.spec.throughput_profile import ThroughputProfileDocument

RESULT: dict[str, Any] = {  # the keys and shapes that vLLM 0.23 writes
    "date": "20260930-141502", "backend": "vllm", "model_id": "Qwen/Qwen2.5-7B-Instruct", "tokenizer_id": "Qwen/Qwen2.5-7B-Instruct",
    "num_prompts": 200, "request_rate": 4.0, "burstiness": 1.0, "max_concurrency": None, "duration": 52.5, "completed": 200, "failed": 0,
    "total_input_tokens": 204900, "total_output_tokens": 25600, "request_throughput": 3.80952, "request_goodput": None,
    "output_throughput": 487.619, "total_token_throughput": 4390.5, "mean_ttft_ms": 91.25, "median_ttft_ms": 84.0, "std_ttft_ms": 20.0,
    "p90_ttft_ms": 120.0, "p99_ttft_ms": 160.0001, "mean_tpot_ms": 20.5, "median_tpot_ms": 20.0, "p99_tpot_ms": 28.0, "mean_itl_ms": 20.4}


def content(**changes: Any) -> bytes:
    return json.dumps({**RESULT, **changes}).encode()


def test_a_result_is_one_operating_point() -> None:
    run = bench_run(content())

    assert (run.model, run.day, run.input_tokens, run.output_tokens) == ("Qwen/Qwen2.5-7B-Instruct", date(2026, 9, 30), 1024, 128)
    assert (run.requests_per_second, run.output_tokens_per_second) == (Decimal("3.8095"), Decimal("487.6190"))
    assert run.latencies_ms["ttft_ms"] == {"mean": Decimal("91.25"), "p50": Decimal(84), "p90": Decimal(120), "p99": Decimal("160.001")}
    assert run.latencies_ms["latency_ms"] == {}
    assert run.evidence.startswith("sha256:")


def test_too_few_requests_have_no_high_percentile() -> None:
    run = bench_run(content(completed=50, total_input_tokens=51200, total_output_tokens=6400))

    assert set(run.latencies_ms["ttft_ms"]) == {"mean", "p50", "p90"}


@pytest.mark.parametrize(("given", "words"), [
    (b"", "is not JSON"), (b"[]", "is not a JSON object"), (b"\xff\xfe", "is not JSON"), (b"[" * 100_000, "is not JSON"),
    (content(failed=3), "3 requests failed"), (content(completed=0), "completed is 0; needed is a number above 0"),
    (content(request_throughput="fast"), 'request_throughput is "fast"'), (content(request_throughput=float("inf")), "request_throughput is"),
    (content(output_throughput=True), "output_throughput is true"), (content(model_id="a\nb"), "model_id is missing or no plain text"),
    (content(model_id=None), "model_id is missing"), (content(date="yesterday"), "date is 'yesterday'"), (b"{}", "completed is null"),
    (content(p99_ttft_ms=-1), "p99_ttft_ms is -1"), (content(completed=1e-320), "completed is 1e-320; needed is a whole number of requests"),
    (content(completed=0.5), "completed is 0.5"), (content(completed=200.5), "completed is 200.5"),
    (content().replace(b'"completed": 200', b'"completed": 1e999'), "completed is Infinity; needed is a number above 0 and below 1,000,000,000"),
    (content().replace(b"204900", b"1e999"), "total_input_tokens is Infinity"), (content(total_output_tokens=10**400), "total_output_tokens is 1000"),
    (content().replace(b"204900", b"9" * 5000), "is not JSON"), (content(request_throughput=float("nan")), "request_throughput is NaN"),
    (content(request_throughput=0.00009), "request_throughput is 9e-05; needed is at least 0.0001 a second"), (content(output_throughput=1e-320), "at least"),
    (content(mean_ttft_ms=1e308), r"mean_ttft_ms is 1e\+308"), (content(failed="9" * 5000), '"9{39} requests failed'),
])
def test_what_is_no_result_is_refused(given: bytes, words: str) -> None:
    with pytest.raises(WrongResult, match=words):
        bench_run(given)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.binary(max_size=200) | st.dictionaries(st.sampled_from(sorted(RESULT)), st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5))).map(lambda row: json.dumps({**RESULT, **row}).encode()))
def test_nothing_that_a_file_holds_is_a_defect(given: bytes) -> None:
    try:
        run = bench_run(given)
    except WrongResult:
        return
    assert isinstance(run, BenchRun)
    document = throughput_document([run], "x", {"gpu": "L4-24GB", "engine": "vllm", "engine_version": "0.33.0", "source": "bench"})
    assert document["spec"]["request_sizes"][0]["points"]


def test_runs_of_one_size_are_a_curve_and_others_are_apart() -> None:
    runs = [bench_run(content(request_throughput=rate, total_input_tokens=tokens * 200)) for rate, tokens in ((2, 1030), (8, 1000), (1, 4000))]
    document = throughput_document(runs, "x", {"gpu": "L4-24GB", "engine": "vllm", "engine_version": "0.33.0", "source": "bench"})

    assert [(size["input_tokens"], [point["requests_per_second"] for point in size["points"]]) for size in document["spec"]["request_sizes"]] == [
        (1000, [2.0, 8.0]), (4000, [1.0])]


def test_results_of_several_models_are_refused() -> None:
    with pytest.raises(WrongResult, match="the files are of several models: A, "):
        throughput_document([bench_run(content()), bench_run(content(model_id="A"))], "x", {})


def run_import(tmp_path: Path, *arguments: str, **changes: Any) -> Any:
    for number, rate in enumerate((2.0, 4.0)):
        (tmp_path / f"{number}.json").write_bytes(content(request_throughput=rate, **changes))
    return CliRunner().invoke(cli, ["throughput", "import", str(tmp_path / "0.json"), str(tmp_path / "1.json"), "--name", "qwen-l4",
                                    "--gpu", "L4-24GB", "--engine-version", "0.33.0", *arguments])


def test_the_command_writes_a_document_that_plans_accept(tmp_path: Path) -> None:
    done = run_import(tmp_path, "--out", str(tmp_path / "prod"))

    assert done.exit_code == 0, done.output
    text = (tmp_path / "prod" / "throughput" / "qwen-l4.yaml").read_text(encoding="utf-8")
    document = ThroughputProfileDocument.model_validate_json(json.dumps(yaml.safe_load(text)), by_alias=True, by_name=False)
    profile, = declared_profiles({"qwen-l4": document})
    assert (profile.model, profile.provenance, len(profile.points)) == ("hf://Qwen/Qwen2.5-7B-Instruct", "measured", 2)
    assert profile.best_point({("ttft_ms", "p99"): Decimal(200)}) == profile.points[1]


def test_every_wrong_file_is_named_at_once(tmp_path: Path) -> None:
    done = run_import(tmp_path, failed=1)

    assert done.exit_code == 2
    assert done.output.count("1 requests failed") == 2


def test_an_impossible_option_is_wrong_input(tmp_path: Path) -> None:
    done = run_import(tmp_path, "--mig", "9g.999gb")

    assert done.exit_code == 2
    assert "spec.profile" in done.output
