"""The environment that benchmarks measure on is a valid one, at its full size (benchmarks/bench_load.py says how long it takes)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from benchmarks.wishes import NAME, write_large_environment
from gpuplane.catalog import catalog_of
from gpuplane.planning import plan
from gpuplane.spec.loader import load_environment


def test_a_thousand_tenants_with_three_services_each_load(tmp_path: Path) -> None:
    write_large_environment(tmp_path, tenants=1000, services_each=3)

    spec = load_environment(tmp_path, NAME)

    assert (len(spec.tenants), len(spec.services)) == (1000, 3000)
    assert [entry.name for entry in spec.services_of("team-00999")] == [f"team-00999/model-{number}" for number in range(3)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tenants_that_chance_draws_can_be_had(tmp_path: Path, seed: int) -> None:
    for number, other in enumerate((seed, seed, seed + 1)):
        write_large_environment(tmp_path / str(number), tenants=40, services_each=3, seed=other)
    first, again, another = ({path.name: path.read_bytes() for path in (tmp_path / number / NAME / "tenants").iterdir()} for number in "012")
    spec = load_environment(tmp_path / "0", NAME)

    assert first == again != another
    assert plan(spec, catalog_of(spec), date(2026, 11, 21)).refusals == ()
