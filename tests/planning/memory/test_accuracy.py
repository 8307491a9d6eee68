"""The prediction against start-ups that were really logged: the figures that users are promised."""

from __future__ import annotations

import pytest

from tests.planning.memory.accuracy import Accuracy, Case, accuracy, cases

CASES = cases()


@pytest.fixture(scope="module")
def complete() -> Accuracy:
    return accuracy([case for case in CASES if case.complete])


def test_there_are_enough_start_ups(complete: Accuracy) -> None:
    assert complete.cases >= 35
    assert complete.failed >= 4


def test_tokens_of_kv_cache(complete: Accuracy) -> None:
    assert complete.tokens_median <= 2
    assert complete.tokens_p90 <= 25


def test_verdicts(complete: Accuracy) -> None:
    assert complete.started_fits >= 0.8 * complete.started
    assert complete.started_not <= 0.05 * complete.started


def test_intervals(complete: Accuracy) -> None:
    assert complete.covered >= 0.9
    assert complete.width_median <= 0.15


@pytest.mark.parametrize("case", [case for case in CASES if not case.started], ids=lambda case: case.row["id"])
def test_no_start_up_that_failed_is_called_fitting(case: Case) -> None:
    assert case.answer.fits is not True


@pytest.mark.parametrize("case", [case for case in CASES if case.row.get("vllm_version", "").startswith(("0.18", "0.19"))
                                  and "activation_peak_gib" in case.row], ids=lambda case: case.row["id"])
def test_each_part_agrees_where_the_whole_profile_was_logged(case: Case) -> None:
    """Not only the sum: weights within 1 % + 0.4 GiB (encoders), the peak within 8 % + 0.1 GiB."""
    weights, peak = case.row["model_load_gib"], case.row["activation_peak_gib"]
    assert abs(case.answer.weights_gib.expected - weights) <= 0.01 * weights + (0.42 if case.answer.request.model.multimodal else 0.05)
    assert abs(case.answer.parts.activation.expected - peak) <= 0.08 * peak + 0.1
