"""What runs on what: GPU, CUDA, driver, engine image, node image and GPU Operator, as sourced rows. What no row says is None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any

from gpuplane.catalog.data_files import read_rows, read_yaml, sources
from gpuplane.catalog.versions import numbers


@dataclass(frozen=True)
class EngineBuild:
    """An engine's default image.

    Attributes:
        engine: ``vllm`` or ``triton``.
        since: version from which on it is built so; later versions never need less.
        cuda: CUDA release in the image, e.g. ``13.0``.
        capability: oldest compute capability it supports.
        driver: oldest driver branch it runs on.
        compatible_drivers: older branches of data-centre GPUs that its compatibility libraries serve as well.
        source, as_of: where the row comes from, and of which day it speaks.
    """

    engine: str
    since: str
    cuda: str
    capability: tuple[int, int]
    driver: int
    compatible_drivers: tuple[int, ...]
    source: str
    as_of: date

    def runs_on(self, branch: int) -> bool:
        """Whether a driver branch is new enough."""
        return branch >= self.driver or branch in self.compatible_drivers


@dataclass(frozen=True)
class GpuSupport:
    """What a GPU generation needs: first CUDA release, the driver branch that came with it, last CUDA major release if it ended."""

    capability: tuple[int, int]
    cuda: str
    driver: int
    last_cuda: int | None
    source: str
    as_of: date


@dataclass(frozen=True)
class Feature:
    """What a vLLM argument asks of a GPU.

    Attributes:
        field, value: the argument.
        capability: oldest compute capability that runs it; None where nobody has said.
        native: from which on the hardware has it; None: on all that run it.
    """

    field: str
    value: str
    capability: tuple[int, int] | None
    native: tuple[int, int] | None
    source: str
    as_of: date


@dataclass(frozen=True)
class Driver:
    """A driver that nodes have, e.g. ``580.159.03``; of precompiled ones only the branch."""

    version: str
    source: str
    as_of: date | None

    @property
    def branch(self) -> int:
        """The branch: ``580``."""
        return int(self.version.partition(".")[0])


@lru_cache(maxsize=1024)
def engine_build(engine: str, version: str, cuda: str | None = None) -> EngineBuild | None:
    """How a version's image is built; None for versions older than any row.

    Args:
        engine: ``vllm`` or ``triton``.
        version: of the engine.
        cuda: CUDA release in the image where it is not the default one.
    """
    rows = [row for row in _compatibility()["engines"].get(engine, ()) if numbers(row["since"]) <= numbers(version)]
    if not rows:
        return None
    row = max(rows, key=lambda row: numbers(row["since"]))
    built = cuda or row["cuda"]
    drivers = {each["cuda"]: each["driver"] for each in _compatibility()["cuda_drivers"]}
    needed = drivers.get(built.partition(".")[0])
    if needed is None:
        return None
    return EngineBuild(engine, row["since"], built, _capability(row["capability"]), needed,
                       tuple(row.get("compatible_drivers", ())), *_source(row))


@lru_cache(maxsize=1024)
def gpu_support(capability: tuple[int, int]) -> GpuSupport | None:
    """What a compute capability needs; None where no row says so."""
    for row in _compatibility()["gpus"]:
        if _capability(row["capability"]) == capability:
            last = row.get("last_cuda")
            return GpuSupport(capability, row["cuda"], row["driver"], int(last) if last else None, *_source(row))
    return None


@lru_cache(maxsize=1024)
def feature(field: str, value: str, version: str) -> Feature | None:
    """What a vLLM argument asks of a GPU in that version; None where no row says so."""
    for row in _compatibility()["features"]:
        if (row["field"], row["value"]) == (field, value) and numbers(row.get("since", "0")) <= numbers(version) and (
                "until" not in row or numbers(version) < numbers(row["until"])):
            least, native = row.get("capability"), row.get("native")
            return Feature(field, value, _capability(least) if least else None, _capability(native) if native else None, *_source(row))
    return None


@lru_cache(maxsize=1024)
def node_image_driver(ami_type: str, release_version: str) -> Driver | None:
    """The driver in an EKS node image; of a release newer than any row, the newest known, which it is not older than.

    Args:
        ami_type: e.g. ``AL2023_x86_64_NVIDIA``; of other families no row speaks.
        release_version: e.g. ``1.36.3-20261104``.
    """
    if not ami_type.startswith("AL2023_") or not ami_type.endswith("_NVIDIA"):
        return None
    kubernetes, _, release = release_version.partition("-")
    minor = ".".join(kubernetes.split(".")[:2])
    rows = [row for row in _image_rows() if row["kubernetes"] == minor and row["release"] <= release]
    return Driver(rows[-1]["driver"], *_source(rows[-1])) if rows else None


def operator_driver(version: str) -> Driver | None:
    """The driver that a release of the GPU Operator installs by default; None where no row says so."""
    row = next((row for row in _compatibility()["gpu_operators"] if row["version"] == version), None)
    return Driver(row["driver"], *_source(row)) if row is not None else None


def pinned_driver(version: str) -> Driver:
    """A driver that the environment itself pins."""
    return Driver(version, "pinned in gpu_operator.driver.version", None)


@cache
def _compatibility() -> Mapping[str, Any]:
    return read_yaml("compatibility.yaml")


@cache
def _image_rows() -> list[dict[str, str]]:
    return sorted(read_rows("node_image_drivers.tsv"), key=lambda row: (numbers(row["kubernetes"]), row["release"]))


def _capability(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _source(row: Mapping[str, Any]) -> tuple[str, date]:
    source = sources()[row["source"]]
    return source.text, source.as_of
