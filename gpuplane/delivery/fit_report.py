"""The answer of ``gpuplane fit``: figures, what else would fit, what the host needs, and the proofs; as JSON and for people."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any

from gpuplane.catalog.catalog import Catalog
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.wording import printable
from gpuplane.planning.json_value import json_value
from gpuplane.planning.memory.fit import fit
from gpuplane.planning.memory.host import host_needs
from gpuplane.planning.memory.measured import NotAStartup, measured, read_log
from gpuplane.planning.memory.report import MemoryFit, Range, memory_fit, proofs
from gpuplane.planning.memory.request import FitRequest
from gpuplane.planning.memory.search import smallest_device, smallest_parallelism
from gpuplane.planning.proof import Proof

FIT_SCHEMA_VERSION = "1"


@dataclass(frozen=True)
class Host:
    """What one replica needs of its host; load_seconds is from the start of the download to the first answer."""

    memory_gib: Range
    shared_memory_gib: float
    disk_gib: Range
    load_seconds: Range


@dataclass(frozen=True)
class FitReport:
    """Everything that ``gpuplane fit`` says.

    Attributes:
        smallest_tensor_parallel_size: smallest that surely fits on this device; null: none does.
        smallest_device: least GPU memory of the catalogue that surely fits, in words; null: none does.
    """

    memory: MemoryFit
    smallest_tensor_parallel_size: int | None
    smallest_device: str | None
    host: Host
    proof: tuple[Proof, ...]

    def to_json_value(self) -> dict[str, Any]:
        """Plain JSON values; the figures of the memory stand at the top."""
        value: dict[str, Any] = {"schema_version": FIT_SCHEMA_VERSION, **json_value(self.memory)}
        value["smallest"] = {"tensor_parallel_size": self.smallest_tensor_parallel_size, "device": self.smallest_device}
        value["host"], value["proof"] = json_value(self.host), json_value(self.proof)
        return value

    def to_json(self) -> str:
        """The same as text, with sorted keys."""
        return json.dumps(self.to_json_value(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def fit_report(request: FitRequest, catalog: Catalog, log: str | None = None) -> FitReport:
    """The answer to a request.

    Args:
        log: vLLM's log of exactly this start-up, which overrides what is predicted.

    Raises:
        CannotStart: the log is none of a start-up.
    """
    answer = fit(request)
    if log is not None:
        try:
            answer = measured(answer, read_log(log))
        except NotAStartup as error:
            raise CannotStart(f"--startup-log: {error}.") from None
    host = host_needs(answer)
    plain = replace(request, device=replace(request.device, shared_by=1))
    smallest = smallest_device(plain, tuple(catalog.gpus.values()))
    return FitReport(
        memory_fit(answer, log is not None), smallest_parallelism(request), str(smallest) if smallest is not None else None,
        Host(_whole(host.memory_gib.low, host.memory_gib.expected, host.memory_gib.high), round(host.shared_memory_gib, 2),
             _whole(host.disk_gib.low, host.disk_gib.expected, host.disk_gib.high),
             _whole(host.load_seconds.low, host.load_seconds.expected, host.load_seconds.high)),
        proofs(answer, "replica", host, log is not None))


def printed(report: FitReport) -> str:
    """The report for people: a verdict, one table, and what to do."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    memory, text = report.memory, StringIO()
    console = Console(file=text, width=120, no_color=True, highlight=False)
    word = {True: "FITS", False: "DOES NOT FIT", None: "NOT KNOWABLE"}[memory.fits]
    said = " (measured)" if memory.measured else ""
    console.print(f"{word}: {memory.model} on {memory.gpus} × {memory.device}{said}", markup=False)
    for reason in memory.reasons:
        console.print(f"  {reason}", markup=False, soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for heading in ("of one device", "low", "expected", "high"):
        table.add_column(heading, justify="left" if heading == "of one device" else "right")
    rows = (("may be used", memory.usable_gib, "GiB"), ("weights", memory.weights_gib, "GiB"),
            ("overhead", memory.overhead_gib, "GiB"), ("KV cache", memory.kv_cache_gib, "GiB"),
            ("KV cache", memory.kv_cache_tokens, "tokens"),
            (f"requests of {memory.max_model_len or '?'} tokens at once", memory.max_concurrency, ""))
    for title, row, unit in rows:
        table.add_row(f"{title} {unit}".strip(), *(_cell(end, unit == "tokens") for end in (row.low, row.expected, row.high)))
    console.print(table)
    if memory.longest_model_len is not None:
        console.print(f"longest context that surely fits: {memory.longest_model_len:,} tokens", markup=False)
    if report.smallest_device is not None:
        console.print(f"least GPU memory that surely fits: {report.smallest_device}", markup=False)
    console.print(f"host: {_cell(report.host.memory_gib.expected)} GiB of memory, {report.host.shared_memory_gib:g} GiB /dev/shm, "
                  f"{_cell(report.host.disk_gib.expected)} GiB of disk, about {_cell(report.host.load_seconds.expected)} s to load",
                  markup=False)
    return "\n".join(map(printable, text.getvalue().split("\n")))


def _whole(low: float, expected: float, high: float) -> Range:
    return Range(round(low, 1), round(expected, 1), round(high, 1))


def _cell(value: float | None, whole: bool = False) -> str:
    if value is None:
        return "no limit"
    return f"{value:,.0f}" if whole or abs(value) >= 1000 else f"{value:,.1f}"
