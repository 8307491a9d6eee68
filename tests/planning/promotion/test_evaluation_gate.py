"""The gate of evaluations: exactly what would run, fresh, with enough samples for the claim."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from gpuplane.planning.promotion.evaluation_gate import Candidate, evaluation_results, names
from gpuplane.planning.promotion.releases import moved, release_digest
from gpuplane.spec.evaluation import EvaluatedPlatform, Evaluation, EvaluationSpec
from gpuplane.spec.promotion import EvaluationGates

DIGEST, SERVICE, ACC = "sha256:" + "a1" * 32, "acme/chat", "gsm8k/acc,none"
IMAGE = "docker.io/vllm/vllm-openai@sha256:" + "4e1c" * 16


def release(revision: str = "abcdef012345", **arguments: Any) -> dict[str, Any]:
    return {"model": {"uri": "hf://Qwen/Qwen3-8B", "revision": revision}, "vllm": {"image": IMAGE, "version": "0.31.0", "arguments": arguments}}


def platform(**changes: Any) -> dict[str, Any]:
    return {"gpuplane": "1.0.0", "rules": DIGEST, "charts": {"kserve": "v0.20.0", "keda": "2.20.2"}, "gpu": "H100-SXM-80GB", "devices_per_replica": 1,
            **changes}


def measure(value: float = 0.75, half: float | None = 0.02, samples: int = 1000, better: str = "higher", how: str = "wilson") -> dict[str, Any]:
    ends = {} if half is None else {"low": value - half, "high": value + half}
    return {"value": value, "samples": samples, "better": better, "interval": "none" if half is None else how, **ends}


def evaluation(spec_release: dict[str, Any], measures: dict[str, Any], day: str = "2026-11-10", environment: str = "staging", form: str = "generic",
               conditions: dict[str, str] | None = None, **changed: Any) -> Evaluation:
    spec = EvaluationSpec.model_validate({
        "environment": environment, "service": SERVICE, "release": spec_release, "platform": platform(**changed),
        "results": ({"digest": DIGEST, "format": form, "measured_on": day, "measures": measures, "conditions": conditions or {}},)})
    return Evaluation.model_construct(spec=spec)


def gates(*measures: dict[str, Any], **more: Any) -> EvaluationGates:
    return EvaluationGates.model_validate({"required": ({"measures": measures},), **more}, strict=False)


def judged(given: EvaluationGates, *evidence: Evaluation, new: dict[str, Any] | None = None, now: dict[str, Any] | None = None, **target: Any) -> Any:
    as_spec = [moved(evaluation(each, {ACC: measure()}).spec) for each in (new or release(max_num_seqs=64), now or release("0123456789ab"))]
    candidate = Candidate(SERVICE, *as_spec, EvaluatedPlatform.model_validate(platform(**target)), ("staging",), date(2026, 11, 21))
    return evaluation_results(given, candidate, {f"sha256:{index}": each for index, each in enumerate(evidence)})


NEW, OLD = release(max_num_seqs=64), release("0123456789ab")
LEAST = {"measure": ACC, "at_least": 0.7}


@pytest.mark.parametrize(("figure", "claim", "state", "words"), [
    (measure(0.75), LEAST, "pass", "0.75 (0.73 to 0.77) of 1000, at least 0.7"),
    (measure(0.65), LEAST, "fail", "0.65 (0.63 to 0.67)"),
    (measure(0.71), LEAST, "unknown", "it would take about 4000 samples"),
    (measure(0.75, None), LEAST, "unknown", "holds no samples of it, so how sure it is is not knowable"),
    (measure(0.75, samples=99), LEAST, "unknown", "99 samples; 100 are needed at least"),
    (measure(300, 20, better="lower"), {"measure": ACC, "at_most": 400}, "pass", "300 (280 to 320)"),
    (measure(390, 20, better="lower"), {"measure": ACC, "at_most": 400}, "unknown", "has the limit in it"),
    (measure(450, 20, better="lower"), {"measure": ACC, "at_most": 400}, "fail", "450"),
    (measure(0.75), {"measure": "other", "at_least": 0.7}, "unknown", "other was not measured; measured were gsm8k/acc,none"),
    (measure(0.75), {**LEAST, "at_requests_per_second": 4}, "unknown", "no load is said while it was measured; 4 are needed"),
])
def test_a_claim_holds_with_the_whole_interval_or_not_at_all(figure: dict[str, Any], claim: dict[str, Any], state: str, words: str) -> None:
    found, = judged(gates(claim), evaluation(NEW, {ACC: figure}))

    assert (found.state, words in found.said) == (state, True), found.said
    assert found.blocks is (state != "pass")
    assert found.state == "pass" or found.remedy


@pytest.mark.parametrize(("new", "old", "claim", "state"), [
    (measure(0.75), measure(0.76), {"not_worse_by": 0.05}, "pass"), (measure(0.75), measure(0.76), {"not_worse_by": 0.02}, "unknown"),
    (measure(0.60), measure(0.76), {"not_worse_by": 0.05}, "fail"), (measure(0.80), measure(0.70), {"not_worse_by": 0}, "pass"),
    (measure(105, 3, better="lower"), measure(100, 3, better="lower"), {"not_worse_by_percent": 15}, "pass"),
    (measure(113, 5, better="lower"), measure(100, 5, better="lower"), {"not_worse_by_percent": 15}, "unknown"),
    (measure(140, 5, better="lower"), measure(100, 5, better="lower"), {"not_worse_by_percent": 15}, "fail"),
    (measure(105, None, better="lower"), measure(100, 3, better="lower"), {"not_worse_by_percent": 15}, "unknown"),
    (measure(0.70), measure(0.72), {"not_worse_by_percent": 10}, "pass"),
])
def test_a_regression_is_judged_by_the_interval_of_the_difference(new: Any, old: Any, claim: dict[str, Any], state: str) -> None:
    found, = judged(gates({"measure": ACC, **claim}), evaluation(NEW, {ACC: new}), evaluation(OLD, {ACC: old}))

    assert found.state == state, found.said
    assert found.proof is not None
    assert "what the target runs now" in found.said


@pytest.mark.parametrize(("changed", "target", "words"), [
    ({"new": release(max_num_seqs=64, max_model_len=8192)}, {}, "release.vllm.arguments.max_model_len: evaluated left out, would run 8192"),
    ({"new": release("ffffffffffff", max_num_seqs=64)}, {}, "release.model.revision: evaluated abcdef012345, would run ffffffffffff"),
    ({"new": release(max_num_seqs=128)}, {}, "release.vllm.arguments.max_num_seqs: evaluated 64, would run 128"),
    ({}, {"charts": {"kserve": "v0.21.0"}}, "charts.kserve: evaluated v0.20.0, would run v0.21.0"),
    ({}, {"charts": {"kserve": "v0.20.0", "volcano": "1.0"}}, "charts.volcano: evaluated left out, would run 1.0"),
    ({}, {"gpu": "L40S-48GB"}, "gpu: evaluated H100-SXM-80GB, would run L40S-48GB"),
    ({}, {"rules": "sha256:" + "b2" * 32}, "rules: evaluated sha256:a1a1"), ({}, {"gpuplane": "1.1.0"}, "gpuplane: evaluated 1.0.0, would run 1.1.0"),
])
def test_what_was_evaluated_must_be_what_would_run(changed: dict[str, Any], target: dict[str, Any], words: str) -> None:
    found, = judged(gates(LEAST), evaluation(NEW, {ACC: measure()}), **changed, **target)

    assert found.state == "fail"
    assert words in found.said


@pytest.mark.parametrize(("allowed", "target"), [
    ("gpu", {"gpu": "L40S-48GB"}), ("charts.kserve", {"charts": {"kserve": "v0.21.0"}}), ("rules", {"rules": "sha256:" + "b2" * 32}),
    ("gpuplane", {"gpuplane": "1.1.0"}), ("devices_per_replica", {"devices_per_replica": 2})])
def test_what_makes_no_difference_may_differ_where_the_gate_says_so(allowed: str, target: dict[str, Any]) -> None:
    assert judged(gates(LEAST), evaluation(NEW, {ACC: measure()}), **target)[0].state == "fail"
    assert judged(gates(LEAST, may_differ=(allowed,)), evaluation(NEW, {ACC: measure()}), **target)[0].state == "pass"


def test_a_chart_that_only_the_evaluated_environment_has_changes_nothing() -> None:
    assert judged(gates(LEAST), evaluation(NEW, {ACC: measure()}), charts={"kserve": "v0.20.0"})[0].state == "pass"


def test_a_default_that_is_written_is_the_same_release() -> None:
    written = release(max_num_seqs=64, tensor_parallel_size=1, enforce_eager=False)

    assert release_digest(moved(evaluation(written, {ACC: measure()}).spec)) == release_digest(moved(evaluation(NEW, {ACC: measure()}).spec))
    assert judged(gates(LEAST), evaluation(NEW, {ACC: measure()}), new=written)[0].state == "pass"


def test_nobody_evaluates_until_it_happens_to_pass() -> None:
    found, = judged(gates(LEAST), evaluation(NEW, {ACC: measure(0.6)}), evaluation(NEW, {ACC: measure(0.8)}, "2026-11-20"))

    assert found.state == "fail"
    assert set(found.evidence) == {"sha256:0", "sha256:1"}


def test_more_samples_settle_what_fewer_left_open() -> None:
    found, = judged(gates(LEAST), evaluation(NEW, {ACC: measure(0.72, 0.04)}), evaluation(NEW, {ACC: measure(0.73, 0.01, 5000)}))

    assert found.state == "pass"


@pytest.mark.parametrize(("day", "state"), [("2026-10-22", "pass"), ("2026-10-21", "unknown"), ("2026-11-22", "unknown")])
def test_old_results_count_for_nothing_and_those_of_tomorrow_neither(day: str, state: str) -> None:
    assert judged(gates(LEAST), evaluation(NEW, {ACC: measure()}, day))[0].state == state


def test_an_environment_that_is_not_before_the_target_says_nothing() -> None:
    found, = judged(gates(LEAST), evaluation(NEW, {ACC: measure()}, environment="playground"))

    assert (found.state, found.said) == ("unknown", "nothing was evaluated of it in staging")


@pytest.mark.parametrize(("conditions", "form", "gpu", "state", "words"), [
    ({"request_rate": "4.0", "input_tokens": "512.0"}, "generic", "H100-SXM-80GB", "pass", ""),
    ({"request_rate": "4.0", "input_tokens": "525.0"}, "generic", "H100-SXM-80GB", "pass", ""),
    ({"request_rate": "8.0", "input_tokens": "512.0"}, "generic", "H100-SXM-80GB", "unknown", "request_rate 4.0 against 8.0"),
    ({"request_rate": "4.0", "input_tokens": "900.0"}, "generic", "H100-SXM-80GB", "unknown", "input_tokens 512.0 against 900.0"),
    ({"request_rate": "4.0", "input_tokens": "512.0", "gsm8k/n-shot": "5"}, "generic", "H100-SXM-80GB", "unknown", "gsm8k/n-shot not said against 5"),
    ({"request_rate": "4.0", "input_tokens": "512.0", "mmlu/n-shot": "5"}, "generic", "H100-SXM-80GB", "pass", ""),
    ({"request_rate": "4.0", "input_tokens": "512.0"}, "vllm-bench-serve", "L40S-48GB", "unknown", "gpu H100-SXM-80GB against L40S-48GB"),
])
def test_figures_are_compared_only_where_they_were_measured_alike(conditions: dict[str, str], form: str, gpu: str, state: str, words: str) -> None:
    new = evaluation(NEW, {ACC: measure()}, form=form, conditions={"request_rate": "4.0", "input_tokens": "512.0"})
    old = evaluation(OLD, {ACC: measure()}, form=form, conditions=conditions, gpu=gpu)
    found, = judged(gates({"measure": ACC, "not_worse_by": 0.1}), new, old)

    assert (found.state, words in found.said) == (state, True), found.said


def test_a_load_that_was_held_is_enough() -> None:
    load = measure(4.0, None)

    assert judged(gates({**LEAST, "at_requests_per_second": 4}), evaluation(NEW, {ACC: measure(), "requests_per_second": load}))[0].state == "pass"
    assert judged(gates({**LEAST, "at_requests_per_second": 5}), evaluation(NEW, {ACC: measure(), "requests_per_second": load}))[0].state == "unknown"


def test_a_service_that_no_entry_names_does_not_move_and_one_that_is_not_evaluated_says_why() -> None:
    other = EvaluationGates.model_validate({"required": ({"services": ("other/*",), "not_evaluated": "nobody asks for it yet"},)})
    own = EvaluationGates.model_validate({"required": ({"services": ("acme/*",), "not_evaluated": "nobody asks for it yet"},)})

    assert judged(other)[0].state == "unknown"
    assert (judged(own)[0].state, judged(own)[0].said) == ("waived", "not evaluated: nobody asks for it yet")


@pytest.mark.parametrize(("pattern", "meant"), [("*/*", True), ("acme/*", True), ("*/chat", True), ("acme/chat", True), ("acme/c", False), ("a/*", False)])
def test_a_pattern_names_whole_names(pattern: str, meant: bool) -> None:
    assert names(pattern, SERVICE) is meant
