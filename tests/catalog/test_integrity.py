"""What every row of the catalogue must satisfy, whoever adds it."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from gpuplane.catalog import Gpu, default_catalog, mig_layout_valid
from gpuplane.catalog.data_files import read_rows, sources
from gpuplane.catalog.gpus import COMPUTE_SLICES, MEMORY_SLICES, load_gpus
from gpuplane.catalog.instances import Instance, load_instances
from gpuplane.catalog.prices import PriceRow, load_prices

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


def test_no_two_gpus_have_one_product_label() -> None:
    assert len({gpu.product_label for gpu in GPUS}) == len(GPUS)


@pytest.mark.parametrize("gpu", CUTTABLE, ids=named)
def test_a_mig_profile_is_named_after_its_compute_slices_and_stays_on_the_gpu(gpu: Gpu) -> None:
    for name, profile in gpu.mig_profiles.items():
        assert name == profile.name
        assert name.startswith(f"{profile.compute_slices}g.")
        assert 1 <= profile.max_per_gpu <= COMPUTE_SLICES // profile.compute_slices
        assert max(profile.starts) + profile.memory_slices <= MEMORY_SLICES
        memory_gib = float(name.partition(".")[2].partition("gb")[0])
        assert memory_gib == pytest.approx(gpu.memory_gib * profile.memory_slices / MEMORY_SLICES, abs=1.1)


@pytest.mark.parametrize("row", load_instances().values(), ids=named)
def test_an_instance_row_is_complete_and_plausible(row: Instance) -> None:
    assert row.gpus >= 1
    assert row.vcpus >= row.gpus
    assert row.memory_gib >= row.gpus
    assert row.gpu is None or row.gpu in load_gpus()
    assert row.gpu_model.startswith("NVIDIA")
    assert row.source
    assert row.as_of >= EARLIEST


@pytest.mark.parametrize("row", load_prices().values(), ids=named)
def test_a_price_row_is_more_than_nothing_and_has_a_source(row: PriceRow) -> None:
    assert 0 < row.usd_per_hour < 1000
    assert row.offer in ("on_demand", "spot_average")
    assert row.source
    assert row.as_of >= EARLIEST


def test_no_price_is_given_twice_by_one_source() -> None:
    rows = [(row["instance"], row["region"], row["offer"], row["source"]) for row in read_rows("prices.tsv")]
    assert len(set(rows)) == len(rows)


def test_every_source_is_cited_by_some_row() -> None:
    cited = {row["source"] for file in ("prices.tsv", "instances.tsv", "service_prices.tsv") for row in read_rows(file)}
    assert {source.text for source in sources().values()} == {sources()[key].text for key in cited} | {gpu.source for gpu in GPUS}


@pytest.mark.parametrize("name", ["H100-SXM-80GB", "H200-SXM-141GB", "A100-SXM-80GB", "A100-SXM-40GB", "L40S-48GB", "L4-24GB",
                                  "A10G-24GB", "T4-16GB"])
def test_a_gpu_that_aws_rents_has_an_instance_type(name: str) -> None:
    assert any(row.gpu == name for row in default_catalog().instances.values())


@pytest.mark.parametrize("gpu", CUTTABLE, ids=named)
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
