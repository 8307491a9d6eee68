"""``plan()`` of a large environment: ``python -m benchmarks.bench_plan [TENANTS [SERVICES]]``.

The whole of it, its growth with the tenants, one changed tenant with everything else parsed before, and the memory of one service.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks.wishes import NAME, write_large_environment, write_tenant
from gpuplane.catalog import default_catalog
from gpuplane.catalog.catalog import Catalog
from gpuplane.delivery.command_line import collect_rarely
from gpuplane.planning import plan
from gpuplane.planning.memory.fit import fit
from gpuplane.planning.memory.request import FitRequest
from gpuplane.planning.memory.service_memory import request_of
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment
from gpuplane.spec.parsed_documents import InMemory

RUNS = 3
AS_OF = date(2026, 11, 21)


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """Wall clock and processor time of one run."""
    wall, processor = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - processor


def best(action: Callable[[], object], runs: int = RUNS) -> tuple[float, float]:
    """Wall clock and processor time of the run that took the least processor time."""
    return min((seconds(action) for _ in range(runs)), key=lambda run: run[1])


def written(folder: Path, tenants: int, services_each: int) -> EnvironmentSpec:
    """A large environment, written and read; it must be one that the plan grants."""
    write_large_environment(folder, tenants, services_each)
    spec = load_environment(folder, NAME)
    assert not plan(spec, default_catalog(), AS_OF).refusals, "the environment to measure on is refused"
    return spec


def whole_plan(spec: EnvironmentSpec, catalog: Catalog) -> None:
    """A plan with all that it works out only when somebody asks."""
    planned = plan(spec, catalog, AS_OF)
    for rows in (planned.refusals, planned.notes, planned.proofs, planned.schedulability):
        len(rows)


def requests(spec: EnvironmentSpec, catalog: Catalog) -> list[FitRequest]:
    """What its services ask of GPU memory, each question once."""
    found = {request_of(entry, server, spec.pools[entry.document.spec.placement.pool], catalog): None
             for entry in spec.services.values() if (server := entry.document.spec.release.vllm) is not None}
    return [request for request in found if isinstance(request, FitRequest)]


def exponent(services_each: int, tenants: int) -> tuple[float, str]:
    """Growth of ``plan()`` from a tenth of the tenants to all: 1 is linear."""
    times: dict[int, float] = {}
    for count in (max(10, tenants // 10), tenants):
        with tempfile.TemporaryDirectory() as folder:
            spec = written(Path(folder), count, services_each)
            times[count] = best(lambda spec=spec: whole_plan(spec, default_catalog()))[1]  # type: ignore[misc]
    (low, fast), (high, slow) = times.items()
    return math.log(slow / fast) / math.log(high / low), f"{low} tenants {fast:.2f} s, {high} tenants {slow:.2f} s"


def main(tenants: int = 1000, services_each: int = 3) -> None:
    """Measure and print."""
    collect_rarely()
    catalog = default_catalog()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_large_environment(folder, tenants, services_each)
        parsed = InMemory()
        loaded = seconds(lambda: load_environment(folder, NAME, parsed))[1]
        spec = load_environment(folder, NAME, parsed)
        first = seconds(lambda: whole_plan(spec, catalog))
        again = best(lambda: whole_plan(spec, catalog))
        cached = best(lambda: load_environment(folder, NAME, parsed))[1]
        nodes = sum(pool.max_nodes for pool in plan(spec, catalog, AS_OF).pools.values())
        print(f"{tenants} tenants × {services_each} services on {nodes} nodes: plan {first[0]:.2f} s ({first[1]:.2f} s of processor) the "
              f"first time, {again[0]:.2f} s ({again[1]:.2f} s) again. Aim: 5 s")
        print(f"load: {loaded:.2f} s of processor; parsed before: {cached:.2f} s, {cached / loaded:.2f} of it")

        changes = iter(range(1, 100))

        def changed() -> None:
            write_tenant(folder / NAME, 7, services_each, cpu=next(changes))
            whole_plan(load_environment(folder, NAME, parsed), catalog)

        wall, processor = best(changed, runs=2)
        print(f"one tenant changed: load and plan {wall:.2f} s ({processor:.2f} s of processor), "
              f"{processor / (loaded + first[1]):.2f} × reading and planning it all. Aim: 1 s")
        asked = requests(spec, catalog)
        fits = [best(lambda request=request: fit(request), runs=20)[1] for request in asked]  # type: ignore[misc]
        print(f"memory fit: {1000 * sum(fits) / len(fits):.3f} ms a service, most {1000 * max(fits):.3f} ms, {len(fits)} kinds. Aim: 1 ms")
    grown, figures = exponent(services_each, tenants)
    print(f"growth of plan() with the tenants: exponent {grown:.2f} ({figures}). Aim: 1.1")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
