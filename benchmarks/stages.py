"""The stages of one offline preview, each with its processor time: ``python -m benchmarks.stages FOLDER CACHE`` prints JSON.

The stages are those of :func:`gpuplane.delivery.preview.preview` itself, timed where it calls them; children's time is part of theirs.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.wishes import NAME
from gpuplane.delivery import offline_engine, preview
from gpuplane.delivery.command_line import collect_rarely
from gpuplane.delivery.formats import formatted
from gpuplane.delivery.manifests import manifests
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.spec.loader import load_environment

AS_OF = date(2026, 11, 21)
_STAGES = ((preview, "plan", "planning"), (offline_engine, "render_stacks", "rendering"),
           (preview, "with_others", "policies, digests"), (preview, "matrix", "isolation"), (preview, "service_wirings", "wiring"),
           (preview, "data_records", "records of data"))
FORMATS = ("json", "html", "markdown")
_seconds: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
"""By stage: the clock's, this process's, its children's."""


def used() -> list[float]:
    """Seconds so far by the clock, of this process, and of its children that have ended."""
    return [time.perf_counter(), *(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))]


def timed(stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """The same work, counted."""
    def counted(*args: Any, **kwargs: Any) -> Any:
        began = used()
        try:
            return work(*args, **kwargs)
        finally:
            _seconds[stage] = [known + end - begin for known, begin, end in zip(_seconds[stage], began, used(), strict=True)]
    return counted


def main(folder: Path, cache: Path) -> None:
    """Measure and print."""
    collect_rarely()
    for module, name, stage in _STAGES:
        setattr(module, name, timed(stage, getattr(module, name)))
    spec = timed("loading", load_environment)(folder, NAME)
    report = timed("whole preview", preview.preview)(spec, AS_OF, renders=TenantRenders(cache))
    len(report.wirings), len(report.records)  # made when they are asked for
    sizes = {each: len(timed(f"report as {each}", formatted)(report, each).encode()) for each in FORMATS}
    texts = timed("manifests", manifests)(report)
    peak = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    json.dump({"tenants": len(spec.tenants), "services": len(spec.services), "resources": len(report.resources),
               "objects": len(report.real_resources), "findings": len(report.findings), "verdict": report.verdict.value,
               "stages": _seconds, "bytes": {**sizes, "manifests": sum(len(text.encode()) for text in texts.values())},
               "mib": peak[0], "mib_of_children": peak[1]}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
