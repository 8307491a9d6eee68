"""All figures of ``docs/reference/performance.md`` in one run: ``python -m benchmarks.report FILE [TENANTS …] [--applied FILE]``.

Sizes are 10, 100 and 1,000 tenants where none are named. Each is written, previewed stage by stage in a process of its own, and then
previewed again with one changed tenant against the commit before. Minutes; the figures are this machine's.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import bench_apply, render_profile
from benchmarks.process import ROOT, most_together, once
from benchmarks.wishes import NAME, write_large_environment, write_tenant

Whole = tuple[float, ...]
"""Seconds by the clock and of processors, MiB of one command's largest process, and maybe of all its processes together."""
SIZES, SERVICES_EACH = (10, 100, 1000), 3
LINEAR = 1.1
"""Growth above which a stage is not linear any more; the aim."""
_ROUNDS = 15
_STAGES = ("loading", "planning", "rendering", "policies, digests", "wiring", "records of data", "whole preview",
           "report as json", "report as html", "report as markdown", "manifests")
_HEAD = """<!-- Written by `make performance`; do not edit. -->
# Performance

How long gpuplane takes, how that grows, and what bounds it. `make performance` measures all of it again and writes this page.

## Method

"""
_METHOD = """- Environments are generated, the same ones each time (`benchmarks/wishes.py`, seed 0): tenants with three services each, on
  whole H100, A100 and L40S GPUs and on MIG devices; quotas, cohorts, borrowing, budgets, data classes and egress differ by turns.
- Figures of stages are **processor time**: a machine that does other things too says nothing by its clock. Where children work, theirs
  stands beside it: with as many free processors, the clock shows the main process's part.
- A stage is the function that `gpuplane preview` calls, timed where it is called. Every size is a process of its own; memory is its peak.
  What a plan refuses and notes is worked out later (docs/adr/0042): it is in the whole preview, and not in planning.
- The exponent is the slope between the two largest sizes on logarithmic axes: 1 is linear. Above {linear} it says so.
- The whole command: `gpuplane preview` where nothing is kept, imports and its last line included, for a terminal and with `--out`, which
  writes every form of the report, manifests and records; memory is the peak of its largest process, and the most that all its processes
  have together in another run, where what they share counts once.
- One changed tenant: `gpuplane preview --against HEAD` as a whole process, imports, checkout and comparison included, after a preview of
  the commit before it. The report is of every object; what is not read or judged again is only what cannot have changed (docs/adr/0019,
  docs/adr/0034, docs/adr/0041, docs/adr/0042).
"""

_DONE = """Each resource is made by its own class, Pulumi's, below its component: what is left of Pulumi's SDK is mostly that. What was
done: registration in one call for each resource, where the SDK takes a dozen tasks (docs/adr/0033 names what still goes the SDK's way); no
stack trace for each resource and no thread for each question to the monitor (`gpuplane/delivery/offline_engine.py`); tenants by all
processors (`gpuplane/delivery/chunks.py`); a tenant that was rendered before is not rendered again (docs/adr/0019)."""
_ELSEWHERE = ("`gpuplane up` on a control plane, and the same objects by raw Pulumi, kubectl, Helm, cdk8s or kustomize (`make\n"
              "bench-apply RESULTS=FILE`, then `make performance RESULTS=FILE`).")
_APPLIED = """Each way has an etcd and an API server of its own, with CRDs and without Kueue and KServe: nobody acts on the objects.
Afterwards each holds every field that is wished, and field by field the same objects as after the first way (docs/adr/0039). Seconds
are the clock's, with those of processors behind: of processes that were waited for. Objects are made from documents by
`gpuplane render`, measured once for all ways that begin with them; whoever writes templates by hand has that work instead.
`gpuplane up` plans, judges and renders itself. The chart and the constructs hold ready objects, so their tools derive nothing.
Requests are those of who applies, from the audit log, watches left out. Objects are made new, not changed. None says beforehand what
will change (`gpuplane preview`, `pulumi preview` and `kubectl diff` do), and there is nothing to wait for."""


def main(target: Path, sizes: Sequence[int] = SIZES, applied: Path | None = None) -> None:
    """Measure and write.

    Args:
        applied: what :mod:`benchmarks.bench_apply` wrote, where it is to be in the page.
    """
    found, whole, written, changed = [], dict[int, Whole](), dict[int, Whole](), dict[int, Whole]()
    for tenants in sizes:
        with tempfile.TemporaryDirectory(prefix="gpuplane-bench-") as folder:
            found.append(stages(Path(folder), tenants))
            whole[tenants] = whole_command(Path(folder))
            written[tenants] = whole_command(Path(folder), "--out", str(Path(folder) / "out"))
            changed[tenants] = one_changed(Path(folder))
        print(f"{tenants} tenants: {whole[tenants]}, with files {written[tenants]}, one changed {changed[tenants]}", file=sys.stderr,
              flush=True)
    write(target, found, whole, changed, written, json.loads(applied.read_text(encoding="utf-8")) if applied is not None else None)


def write(target: Path, found: Sequence[Mapping[str, Any]], whole: Mapping[int, Whole], changed: Mapping[int, Whole],
          written: Mapping[int, Whole], applied: Mapping[str, Any] | None = None) -> None:
    """The page of figures that were measured."""
    commands = {"The whole command": whole, "The whole command, every file written": written, "One changed tenant": changed}
    target.write_text("".join(f"{line}\n" for line in _page(found, commands, applied)), encoding="utf-8")


def stages(folder: Path, tenants: int) -> dict[str, Any]:
    """What :mod:`benchmarks.stages` says of so many tenants; the cache beside keeps them for the preview after it."""
    write_large_environment(folder / "environments", tenants, SERVICES_EACH)
    cache = folder / "cache" / "gpuplane" / "renders.sqlite"
    done = subprocess.run([sys.executable, "-m", "benchmarks.stages", str(folder / "environments"), str(cache)], cwd=ROOT,
                          capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def whole_command(folder: Path, *options: str) -> Whole:
    """A preview where nothing is kept; its last figure is MiB of all its processes together."""
    command = ["-m", "gpuplane", "preview", NAME, "--environments", str(folder / "environments"), *options]
    with tempfile.TemporaryDirectory(prefix="gpuplane-bench-") as cache:
        found = once(command, environment={"XDG_CACHE_HOME": cache})
    with tempfile.TemporaryDirectory(prefix="gpuplane-bench-") as cache:
        return *found, most_together(command, {"XDG_CACHE_HOME": cache})


def one_changed(folder: Path) -> Whole:
    """Seconds by the clock and of processors, and MiB, of a preview in which one tenant differs from the commit."""
    for arguments in ("init", "add environments", "-c user.name=bench -c user.email=bench@example.com commit -m before"):
        subprocess.run(["git", *arguments.split()], cwd=folder, check=True, capture_output=True)
    environments, cache = folder / "environments", {"XDG_CACHE_HOME": str(folder / "cache")}
    command = ["-m", "gpuplane", "preview", NAME, "--environments", str(environments), "--against", "HEAD"]
    write_tenant(environments / NAME, 7, SERVICES_EACH, cpu=1)
    once(command, environment=cache)  # documents are parsed and kept too
    write_tenant(environments / NAME, 9, SERVICES_EACH, cpu=1)
    return once(command, environment=cache)


def exponent(low: tuple[int, float], high: tuple[int, float]) -> float:
    """Growth from one (size, amount) to another: 1 is linear."""
    return math.log(high[1] / low[1]) / math.log(high[0] / low[0])


def _page(found: Sequence[Mapping[str, Any]], measured: Mapping[str, Mapping[int, Whole]], applied: Mapping[str, Any] | None,
          ) -> Iterator[str]:
    yield _HEAD.rstrip("\n")
    yield ""
    yield from _METHOD.format(linear=LINEAR).splitlines()
    yield f"- Machine: {machine()}."
    yield from ("", "## Offline preview, stage by stage", "", "Processor seconds, of the main process + of its children.", "")
    yield from _table(["", *(f"{one['tenants']:,} tenants" for one in found), "exponent"], _rows(found))
    for title, commands in measured.items():
        if commands:
            yield from ("", f"## {title}", "")
            yield from _table(["", *(f"{size:,} tenants" for size in commands)], (
                ["seconds by the clock", *(f"{one[0]:.1f}" for one in commands.values())],
                ["processor seconds", *(f"{one[1]:.1f}" for one in commands.values())],
                ["peak memory, MiB", *(f"{one[2]:.0f}" for one in commands.values())],
                *([["of all processes together", *(f"{one[3]:.0f}" for one in commands.values())]]
                  if all(len(one) > 3 for one in commands.values()) else [])))
    yield from _bound()
    yield from _raw_way()
    left = [f"{one['tenants']:,}" for one in found if one["tenants"] not in measured["One changed tenant"]]
    if applied is not None:
        yield from ("", f"## Applying {applied['objects']:,} objects of {applied['tenants']:,} tenants", "", _APPLIED, "")
        yield from bench_apply.table(applied)
    if left or applied is None:
        yield from ("", "## Not measured here", "")
    if applied is None:
        yield _ELSEWHERE
    if left:
        yield f"In this run not: one changed tenant of {', '.join(left)}."


def _bound() -> Iterator[str]:
    """What bounds rendering, and what was done about it."""
    yield from ("", "## What bounds rendering", "", f"Own time by package, of {render_profile.TENANTS} tenants under a profiler:", "")
    yield from _table(["package", "share"], [[name, f"{share:.0%}"] for name, share in render_profile.shares().items()])
    yield from ("", _DONE)


def _rows(found: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    yield ["Kubernetes objects and cloud resources", *(f"{one['objects']:,}" for one in found), ""]
    for stage in _STAGES:
        _, *amounts = zip(*(one["stages"][stage] for one in found), strict=True)
        yield [stage, *(f"{own:.2f}" + (f" + {theirs:.2f}" if theirs >= 0.005 else "") for own, theirs in zip(*amounts, strict=True)),
               _exponent(found, [sum(both) for both in zip(*amounts, strict=True)])]
    for name in found[0]["bytes"]:
        sizes = [one["bytes"][name] for one in found]
        yield [f"size of {name}, MB", *(f"{size / 1e6:.2f}" for size in sizes), _exponent(found, sizes)]
    yield ["peak memory, MiB (+ of a child)", *(f"{one['mib']:.0f} + {one['mib_of_children']:.0f}" for one in found), ""]


def _exponent(found: Sequence[Mapping[str, Any]], amounts: Sequence[float]) -> str:
    if len(found) < 2 or min(amounts[-2:]) <= 0:
        return ""
    value = exponent((found[-2]["tenants"], amounts[-2]), (found[-1]["tenants"], amounts[-1]))
    return f"{value:.2f}" + (" (above the aim)" if value > LINEAR else "")


def _raw_way() -> Iterator[str]:
    from benchmarks import bench_components

    ratio, least, count = bench_components.measured(_ROUNDS)
    _, at_once, _ = bench_components.measured(_ROUNDS, by_sdk=False)
    yield from ("", "## Components against a raw program", "")
    yield (f"Registering the {count} resources of `prod`'s tenants through the components takes {least:.2f} × the time of a raw Pulumi\n"
           "program that registers the same resources and component nodes with its properties ready, both by Pulumi's own\n"
           f"registration, as in `pulumi up`: the least time of each, of {_ROUNDS} pairs in turns under the same mock monitor. The median\n"
           f"of the pairs, {ratio:.2f} ×, says how quiet the machine was. Offline, where registering costs little, the components' own\n"
           f"work shows more: {at_once:.2f} ×.")


def _table(head: Sequence[str], rows: Iterator[list[str]] | Sequence[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def machine() -> str:
    """The machine in neutral words."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = sorted({line.partition(":")[2].strip() for line in lines if line.startswith("model name")})
    return (f"{len(os.sched_getaffinity(0))} processors ({', '.join(names) or platform.machine()}), {platform.system()}, "
            f"Python {platform.python_version()}, modules compiled before")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--applied", type=Path)
    asked = parser.parse_args()
    main(asked.target, asked.sizes, asked.applied)
