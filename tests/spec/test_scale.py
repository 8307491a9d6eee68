"""The environment that benchmarks measure on is a valid one, at its full size (benchmarks/bench_load.py says how long it takes)."""

from __future__ import annotations

from pathlib import Path

from benchmarks.wishes import NAME, write_large_environment
from gpuplane.spec.loader import load_environment


def test_a_thousand_tenants_with_three_services_each_load(tmp_path: Path) -> None:
    write_large_environment(tmp_path, tenants=1000, services_each=3)

    spec = load_environment(tmp_path, NAME)

    assert (len(spec.tenants), len(spec.services)) == (1000, 3000)
    assert [entry.name for entry in spec.services_of("team-00999")] == [f"team-00999/model-{number}" for number in range(3)]
