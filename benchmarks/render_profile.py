"""Whose code rendering spends its time in: own time by package, of twenty tenants: ``python -m benchmarks.render_profile``."""

from __future__ import annotations

import cProfile
import pstats
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.wishes import NAME, write_large_environment
from gpuplane.catalog import catalog_of
from gpuplane.delivery.offline_engine import render_stacks
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.planning import plan
from gpuplane.spec.loader import load_environment

TENANTS = 20
_ENGINE, _COMPONENTS = "gpuplane's offline engine", "gpuplane's components and stacks"
_PACKAGES = (("/gpuplane/", _ENGINE), ("/components/", _COMPONENTS), ("/stacks/", _COMPONENTS), ("/pulumi/", "Pulumi's SDK"),
             ("/pulumi_kubernetes/", "Pulumi's SDK"), ("/google/", "protobuf"), ("/grpc/", "protobuf"), ("/asyncio/", "asyncio"),
             ("/selectors.py", "asyncio"), ("/concurrent/", "asyncio"), ("/kserve/", "KServe's and Kubernetes' models"),
             ("/kubernetes/", "KServe's and Kubernetes' models"), ("/pydantic", "KServe's and Kubernetes' models"))


def shares() -> dict[str, float]:
    """Share of own time by package, the largest first; what is built into Python counts for who called it."""
    with tempfile.TemporaryDirectory() as folder:
        write_large_environment(Path(folder), TENANTS, 3)
        spec = load_environment(Path(folder), NAME)
        planned = plan(spec, catalog_of(spec), date(2026, 11, 21))
        render_stacks(spec, planned, renders=TenantRenders())  # what is imported once is no part of it
        profile = cProfile.Profile()
        profile.runcall(render_stacks, spec, planned, renders=TenantRenders())
    return _by_package(pstats.Stats(profile))


def _by_package(stats: pstats.Stats) -> dict[str, float]:
    found: Counter[str] = Counter()
    rows: dict[tuple[str, int, str], Any] = stats.stats  # type: ignore[attr-defined]  # not in the stubs
    for (file, _, _), (_, _, own, _, callers) in rows.items():
        if file == "~":
            for (caller, _, _), (_, _, within, _) in callers.items():
                found[_package(caller)] += within
        else:
            found[_package(file)] += own
    total = sum(found.values())
    return {name: seconds / total for name, seconds in found.most_common()}


def _package(file: str) -> str:
    return next((name for part, name in reversed(_PACKAGES) if part in file), "the rest of Python")


def main() -> None:
    print("; ".join(f"{name} {share:.0%}" for name, share in shares().items()))


if __name__ == "__main__":
    main()
