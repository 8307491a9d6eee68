"""What every row of the catalogue must satisfy, whoever adds it."""

from __future__ import annotations

import re
import typing
from datetime import date
from itertools import product
from math import prod
from pathlib import Path

import pytest

from gpuplane import catalog
from gpuplane.catalog import Gpu, default_catalog, mig_layout_valid
from gpuplane.catalog.daemonsets import When, load_daemonsets
from gpuplane.catalog.data_files import read_rows, sources
from gpuplane.catalog.gpus import load_gpus
from gpuplane.catalog.instances import Instance, load_instances
from gpuplane.catalog.prices import OFFERS, load_price_history
from gpuplane.catalog.tpus import TpuMachine, load_tpus

GPUS = list(load_gpus().values())
CUTTABLE = [gpu for gpu in GPUS if gpu.mig_profiles]
EARLIEST = date(2024, 1, 1)


def named(row: object) -> str:
    return str(getattr(row, "name", None) or f"{row.instance}-{row.region}-{row.offer}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("gpu", GPUS, ids=named)
def test_a_gpu_row_is_complete_and_plausible(gpu: Gpu) -> None:
    assert gpu.name.endswith(f"-{gpu.memory_gib}GB") or gpu.name == f"GB200-{gpu.memory_gib}GB"
    assert gpu.reported_memory_gib is None or 0.9 * gpu.memory_gib < gpu.reported_memory_gib <= gpu.memory_gib
    assert 7 <= float(gpu.compute_capability) < 13
    assert gpu.product_label
    assert " " not in gpu.product_label
    assert gpu.source
    assert gpu.as_of >= EARLIEST
    assert (gpu.nvlink_gb_per_second is None) == (gpu.nvlink_gpus == 0)
    assert gpu.nvlink_gpus != 1
    assert set(gpu.unverified) <= {"product_label", "nvlink", "reported_memory_gib"}
    assert ("mig" in gpu.sharing_modes) == bool(gpu.mig_profiles)


def test_no_two_gpus_have_one_product_label() -> None:
    assert len({gpu.product_label for gpu in GPUS}) == len(GPUS)


@pytest.mark.parametrize(("name", "family"), [("H100-SXM-80GB", "H100"), ("RTX-4090-24GB", "RTX-4090"), ("GB200-186GB", "GB200"),
                                              ("A100-PCIE-40GB", "A100"), ("H100-NVL-94GB", "H100")])
def test_a_gpu_is_called_by_its_family(name: str, family: str) -> None:
    assert load_gpus()[name].family == family


@pytest.mark.parametrize("gpu", CUTTABLE, ids=named)
def test_a_mig_profile_is_named_after_its_compute_slices_and_stays_on_the_gpu(gpu: Gpu) -> None:
    for name, profile in gpu.mig_profiles.items():
        assert name == profile.name
        assert name.startswith(f"{profile.compute_slices}g.")
        assert 1 <= profile.max_per_gpu <= gpu.compute_slices // profile.compute_slices
        assert max(profile.starts) + profile.memory_slices <= gpu.memory_slices
        memory_gib = float(name.partition(".")[2].partition("gb")[0])
        assert memory_gib == pytest.approx(gpu.memory_gib * profile.memory_slices / gpu.memory_slices, abs=1.1)
        assert profile.reported_memory_gib is None or 0.85 * memory_gib < profile.reported_memory_gib < memory_gib


@pytest.mark.parametrize("row", load_instances().values(), ids=named)
def test_an_instance_row_is_complete_and_plausible(row: Instance) -> None:
    assert row.gpus >= 1
    assert row.vcpus >= row.gpus
    assert row.memory_gib >= row.gpus
    assert row.gpu is not None
    gpu = load_gpus()[row.gpu]
    assert row.gpu_memory_mib is not None
    assert 0.9 * gpu.memory_gib < row.gpu_memory_mib / 1024 <= 1.02 * gpu.memory_gib
    assert gpu.reported_memory_gib is None or gpu.reported_memory_gib * 1024 <= row.gpu_memory_mib
    assert row.nvlink_gpus in (0, row.gpus)
    assert not row.nvlink_gpus or gpu.nvlink_gpus >= row.nvlink_gpus
    assert row.arch in ("x86_64", "arm64")
    assert row.local_disk_gb is not None
    assert 0 <= row.local_disk_gb <= 61_440
    assert row.network_gbit is not None
    assert 1 <= row.network_gbit <= 6400
    assert row.efa_interfaces is not None
    assert 0 <= row.efa_interfaces <= 32
    assert row.max_pods is not None
    assert 8 <= row.max_pods <= 2000
    assert row.allocatable_vcpus is None or 0.95 * row.vcpus < row.allocatable_vcpus < row.vcpus
    assert row.allocatable_memory_mib is None or 0.75 * row.memory_gib < row.allocatable_memory_mib / 1024 < row.memory_gib
    assert row.gpu_model.startswith("NVIDIA")
    assert row.source
    assert row.as_of >= EARLIEST


PRICES = [row for rows in load_price_history().values() for row in rows]
PER_GPU_HOUR = {"on_demand": (0.2, 25), "spot_average": (0.03, 15), "spot_max": (0.03, 25), "reserved_1y": (0.1, 15), "reserved_3y": (0.05, 10)}
"""US dollars for one GPU: what no offer of EC2 was ever outside of; a slipped decimal point is."""


def test_every_price_is_plausible_for_one_gpu_and_has_a_source() -> None:
    instances = load_instances()
    strange = [row for row in PRICES if row.instance in instances
               and not PER_GPU_HOUR[row.offer][0] < row.usd_per_hour / instances[row.instance].gpus < PER_GPU_HOUR[row.offer][1]]
    assert strange == []
    assert {row.offer for row in PRICES} == set(OFFERS)
    assert all(row.source and row.as_of >= EARLIEST for row in PRICES)


@pytest.mark.parametrize("offer", [offer for offer in OFFERS if offer != "on_demand"])
def test_what_binds_or_may_be_taken_away_costs_less_than_on_demand(offer: str) -> None:
    """Of one source and day: a later cut of the on-demand price says nothing about the older row. A spot market can reach on demand."""
    listed = {(row.instance, row.region, row.as_of): row.usd_per_hour for row in PRICES if row.offer == "on_demand"}
    compared = [row for row in PRICES if row.offer == offer and (row.instance, row.region, row.as_of) in listed]
    assert len(compared) > 100
    assert [row for row in compared if row.usd_per_hour > listed[row.instance, row.region, row.as_of]
            or (row.usd_per_hour == listed[row.instance, row.region, row.as_of] and not offer.startswith("spot"))] == []


def test_three_years_cost_less_than_one() -> None:
    one = {(row.instance, row.region): row.usd_per_hour for row in PRICES if row.offer == "reserved_1y"}
    assert [row for row in PRICES if row.offer == "reserved_3y" and row.usd_per_hour >= one.get((row.instance, row.region), row.usd_per_hour + 1)] == []


def test_every_instance_type_but_parts_of_gpus_has_a_price_or_says_nothing() -> None:
    priced = {row.instance for row in PRICES}
    without_gpus = tuple(f"{family}." for family in ("m6i", "m7a", "m7g", "m7i"))  # of which nodes for the platform itself are
    assert {name for name in priced - load_instances().keys() if not name.startswith(("g6f.", *without_gpus))} == set()
    assert load_instances().keys() - priced == {"p5e.48xlarge"}


def test_no_price_is_given_twice_by_one_source_and_rows_are_sorted() -> None:
    rows = [(row["instance"], row["region"], row["offer"], row["usd_per_hour"], row["source"]) for row in read_rows("prices.tsv")]
    assert rows == sorted(rows)
    assert len({(*row[:3], row[4]) for row in rows}) == len(rows)


def test_every_source_is_cited_by_some_row() -> None:
    folder = Path(catalog.__file__).parent / "data"
    texts = [file.read_text() for file in folder.rglob("*") if file.suffix in (".yaml", ".tsv") and file.name != "sources.yaml"]
    words = {word for text in texts for word in re.findall(r"[A-Za-z0-9][-A-Za-z0-9.]*", text)}
    elsewhere = {"nvidia-smi-lgip", "kubernetes-version-skew"}  # in a header, and in planning's version lock
    assert sources().keys() - words - elsewhere == set()


def test_every_daemonset_row_is_plausible() -> None:
    for row in load_daemonsets().values():
        assert row.when in typing.get_args(When)
        assert 0 <= row.cpu_millicores <= 1000
        assert 0 <= row.memory_mib <= 1024
        assert row.source
        assert row.as_of >= EARLIEST


@pytest.mark.parametrize("name", ["H100-SXM-80GB", "H200-SXM-141GB", "A100-SXM-80GB", "A100-SXM-40GB", "L40S-48GB", "L4-24GB",
                                  "A10G-24GB", "T4-16GB", "V100-SXM-16GB", "T4G-16GB", "B200-SXM-180GB",
                                  "B300-SXM-269GB", "RTX-PRO-4500-32GB", "RTX-PRO-6000-96GB"])
def test_a_gpu_that_aws_rents_has_an_instance_type(name: str) -> None:
    assert any(row.gpu == name for row in default_catalog().instances.values())


@pytest.mark.parametrize("gpu", [gpu for gpu in CUTTABLE if gpu.compute_slices == 7], ids=named)
def test_the_maximal_mig_layouts_are_nvidias_twelve(gpu: Gpu) -> None:
    """Without double-memory and media profiles; counted as (1g, 2g, 3g, 4g, 7g)."""
    plain = [next(name for name, profile in gpu.mig_profiles.items() if profile.compute_slices == size and "+" not in name
                  and (size > 1 or profile.memory_slices == 1)) for size in (1, 2, 3, 4, 7)]
    layouts = {counts for counts in product(range(8), range(4), range(3), range(2), range(2))
               if any(counts) and mig_layout_valid(gpu, {n: c for n, c in zip(plain, counts, strict=True) if c}) is None}
    maximal = {counts for counts in layouts
               if not any(tuple(c + (i == grown) for i, c in enumerate(counts)) in layouts for grown in range(5))}
    assert maximal == {
        (7, 0, 0, 0, 0), (5, 1, 0, 0, 0), (3, 2, 0, 0, 0), (1, 3, 0, 0, 0), (4, 0, 1, 0, 0), (2, 1, 1, 0, 0), (0, 2, 1, 0, 0),
        (0, 0, 2, 0, 0), (3, 0, 0, 1, 0), (1, 1, 0, 1, 0), (0, 0, 1, 1, 0), (0, 0, 0, 0, 1)}


@pytest.mark.parametrize("name", ["A30-24GB", "RTX-PRO-6000-96GB"])
def test_a_gpu_of_four_slices_is_cut_in_four_halves_and_quarters(name: str) -> None:
    gpu = load_gpus()[name]
    quarter, half, whole = (next(p for p, profile in gpu.mig_profiles.items() if profile.compute_slices == size and "+" not in p) for size in (1, 2, 4))
    possible = {(q, h, w) for q, h, w in product(range(6), range(4), range(3))
                if mig_layout_valid(gpu, {n: c for n, c in ((quarter, q), (half, h), (whole, w)) if c}) is None and (q or h or w)}
    assert {max_ for max_ in possible if not any((max_[0] + a, max_[1] + b, max_[2] + c) in possible
            for a, b, c in ((1, 0, 0), (0, 1, 0), (0, 0, 1)))} == {(4, 0, 0), (2, 1, 0), (0, 2, 0), (0, 0, 1)}


@pytest.mark.parametrize("machine", load_tpus().values(), ids=named)
def test_slices_of_tpus_are_whole_hosts_each_once(machine: TpuMachine) -> None:
    sizes = [tuple(map(int, topology.split("x"))) for topology in machine.topologies]

    assert len(set(machine.topologies)) == len(sizes) > 0
    assert {len(size) for size in sizes} == ({2} if machine.generation in ("v5e", "v6e") else {3})  # a torus of two or three dimensions
    assert all(prod(size) % machine.chips == 0 for size in sizes)
    assert machine.chips == int(machine.name.rsplit("-", 1)[1].removesuffix("t"))
