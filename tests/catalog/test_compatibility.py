"""The compatibility table: complete for what ships, in order, and honest about what it does not know."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gpuplane.catalog.compatibility import engine_build, feature, gpu_support, node_image_driver, operator_driver
from gpuplane.catalog.data_files import read_rows, read_yaml, sources
from gpuplane.catalog.gpus import load_gpus
from gpuplane.catalog.versions import numbers

TABLE = read_yaml("compatibility.yaml")


def test_every_row_has_a_source() -> None:
    rows = [row for section in ("cuda_drivers", "gpus", "features", "gpu_operators") for row in TABLE[section]]
    rows += [row for engine in TABLE["engines"].values() for row in engine]
    assert {row["source"] for row in rows} <= sources().keys()


@pytest.mark.parametrize("name", load_gpus())
def test_what_every_shipped_gpu_needs_is_known(name: str) -> None:
    support = gpu_support(load_gpus()[name].capability)
    assert support is not None
    assert 384 <= support.driver < 1000


def test_newer_gpus_never_need_older_cuda_or_drivers() -> None:
    rows = sorted(TABLE["gpus"], key=lambda row: numbers(row["capability"]))
    assert all(numbers(one["cuda"])[0] <= numbers(two["cuda"])[0] for one, two in pairwise(rows))


@pytest.mark.parametrize("engine", TABLE["engines"])
def test_later_versions_never_need_less(engine: str) -> None:
    rows = TABLE["engines"][engine]
    for one, two in pairwise(rows):
        assert numbers(one["since"]) < numbers(two["since"])
        assert numbers(one["cuda"]) <= numbers(two["cuda"])
        assert numbers(one["capability"]) <= numbers(two["capability"])


@pytest.mark.parametrize(("version", "cuda", "driver"), [
    ("0.3.3", "12.1", 525), ("0.8.5", "12.4", 525), ("0.11.0", "12.8", 525), ("0.20.0", "13.0", 580), ("0.31.0", "13.0", 580)])
def test_vllms_default_image(version: str, cuda: str, driver: int) -> None:
    build = engine_build("vllm", version)
    assert build is not None
    assert (build.cuda, build.driver) == (cuda, driver)
    assert build.runs_on(driver)
    assert not build.runs_on(driver - 1)


def test_an_image_with_another_cuda_is_judged_by_it() -> None:
    build = engine_build("vllm", "0.31.0", "12.9")
    assert build is not None
    assert (build.cuda, build.driver) == ("12.9", 525)
    assert engine_build("vllm", "0.31.0", "99.0") is None
    assert engine_build("vllm", "0.1.0") is None


def test_triton_brings_libraries_for_some_older_drivers() -> None:
    build = engine_build("triton", "25.10")
    assert build is not None
    assert [branch for branch in (470, 510, 535, 550, 575, 580, 595) if build.runs_on(branch)] == [470, 535, 580, 595]


@pytest.mark.parametrize(("release", "driver"), [
    ("1.34.1-20251016", "570.195.03"), ("1.34.1-20251022", "570.195.03"), ("1.34.1-20251023", "580.95.05"), ("1.36.3-20261104", "580.159.03"),
    ("1.36.3-20260101", None), ("1.20.0-20260101", None)])
def test_the_driver_in_an_eks_image(release: str, driver: str | None) -> None:
    found = node_image_driver("AL2023_x86_64_NVIDIA", release)
    assert (found.version if found else None) == driver
    assert node_image_driver("BOTTLEROCKET_x86_64_NVIDIA", release) is None


def test_rows_of_node_images_are_sorted_and_change_something() -> None:
    rows = read_rows("node_image_drivers.tsv")
    keys = [(numbers(row["kubernetes"]), row["release"]) for row in rows]
    assert keys == sorted(set(keys))
    assert all(one["driver"] != two["driver"] for one, two in pairwise(rows) if one["kubernetes"] == two["kubernetes"])


def test_the_driver_of_the_gpu_operator() -> None:
    found = operator_driver("v26.7.0")
    assert found is not None
    assert (found.version, found.branch) == ("595.91.07", 595)
    assert operator_driver("v1.0.0") is None


def test_fp8_weights_run_on_older_gpus_with_newer_versions() -> None:
    old, new = feature("quantization", "fp8", "0.31.0"), feature("quantization", "fp8", "0.32.0")
    assert old is not None
    assert new is not None
    assert (old.capability, new.capability) == ((8, 0), (7, 5))
    assert feature("quantization", "modelopt", "0.32.0") is None
