"""GPU memory in the reports: one line for all services, one row for each."""

from __future__ import annotations

from dataclasses import dataclass

from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.wording import plural
from gpuplane.planning.memory.report import MemoryFit, Range

WORDS = {True: "fits", False: "does not fit", None: "not knowable"}


@dataclass(frozen=True)
class MemoryRow:
    """One service: what a device of it holds, in words."""

    service: str
    device: str
    verdict: str
    weights: str
    cache: str
    at_once: str
    longest: str


def memory_rows(report: PreviewReport) -> tuple[MemoryRow, ...]:
    """Every vLLM service, what does not surely fit first, then by name."""
    memory = report.plan.memory
    return tuple(_row(name, memory[name]) for name in sorted(memory, key=lambda name: (memory[name].fits is True, name)))


def memory_line(report: PreviewReport) -> str:
    """All services in a sentence; empty where there are none."""
    memory = report.plan.memory
    if not memory:
        return ""
    sure = [name for name in memory if memory[name].fits]
    text = f"GPU memory: {len(sure)} of {plural(len(memory), 'service')} surely fit"
    tight = min(((memory[name].max_concurrency.low, name) for name in sure if memory[name].max_concurrency.low is not None), default=None)
    if tight is None:
        return f"{text}."
    return f"{text}; the tightest is {tight[1]}, at least {tight[0]:.1f} requests of {memory[tight[1]].max_model_len} tokens at once."


def _row(name: str, fit: MemoryFit) -> MemoryRow:
    count = "" if fit.gpus == 1 else f"{fit.gpus} × "
    longest = "" if fit.longest_model_len is None else f"{fit.longest_model_len:,}".replace(",", " ")
    measured = " (measured)" if fit.measured else ""
    return MemoryRow(name, f"{count}{fit.device}", WORDS[fit.fits] + measured, _span(fit.weights_gib), _span(fit.kv_cache_gib),
                     _span(fit.max_concurrency), longest)


def _span(span: Range) -> str:
    if span.low is None or span.high is None:
        return "no limit"
    return f"{span.low:.1f}" if f"{span.low:.1f}" == f"{span.high:.1f}" else f"{span.low:.1f}–{span.high:.1f}"
