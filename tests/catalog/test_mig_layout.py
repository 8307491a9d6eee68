"""Layouts that people try, and what they are told."""

from __future__ import annotations

import pytest

from gpuplane.catalog import gpu, mig_layout_valid


def reason(layout: dict[str, int], name: str = "H100-SXM-80GB") -> str | None:
    model = gpu(name)
    assert model is not None
    return mig_layout_valid(model, layout)


@pytest.mark.parametrize("layout", [
    {"1g.10gb": 7}, {"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1}, {"3g.40gb": 2}, {"1g.20gb": 4}, {"1g.10gb+me": 1, "1g.10gb": 6},
    {"7g.80gb": 1}, {"3g.40gb": 1}])
def test_a_layout_that_nvidia_places_is_valid(layout: dict[str, int]) -> None:
    assert reason(layout) is None


@pytest.mark.parametrize(("layout", "told"), [
    ({"1g.10gb": 3, "2g.20gb": 1, "3g.40gb": 1}, "needs 8 compute slices"),
    ({"2g.20gb": 4}, "more than the 3"),
    ({"3g.40gb": 2, "1g.10gb": 1}, "cannot be placed"),
    ({"4g.40gb": 2}, "more than the 1"),
    ({"1g.20gb": 4, "1g.10gb": 1}, "cannot be placed"),
    ({"1g.10gb+me": 2}, "more than the 1"),
    ({"1g.5gb": 1}, "has no profile 1g.5gb; it has: 1g.10gb"),
])
def test_an_impossible_layout_says_why(layout: dict[str, int], told: str) -> None:
    assert told in (reason(layout) or "valid")


def test_the_same_profile_name_is_another_size_on_another_gpu() -> None:
    small, large = gpu("A100-SXM-40GB"), gpu("A100-SXM-80GB")
    assert small is not None
    assert large is not None
    assert small.mig_profiles["1g.10gb"].memory_slices == 2
    assert large.mig_profiles["1g.10gb"].memory_slices == 1


def test_a_gpu_without_mig_is_never_cut() -> None:
    assert reason({"1g.10gb": 1}, "L4-24GB") == "L4-24GB has no MIG."
