"""Metrics that exporters really have: name, type, unit, labels, bucket boundaries, and the releases that have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Literal

from gpuplane.catalog.data_files import read_yaml, sources
from gpuplane.catalog.engines import version_number

MetricType = Literal["counter", "gauge", "histogram", "summary"]
ENDPOINT_PICKER = "endpoint-picker"
"""Exporter of what is measured before pods are chosen."""


@dataclass(frozen=True)
class Metric:
    """One metric of one exporter.

    Attributes:
        name: as the exporter writes it; series of histograms and summaries add ``_bucket``, ``_sum`` and ``_count``.
        exporter: who writes it: an engine (``vllm``, ``triton``) or a part of the platform.
        unit: of its value.
        labels: all that its series can bear, those that Prometheus adds at the scrape included.
        measures: what an objective or a rule reads from it, e.g. ``ttft_ms``; empty for what only dashboards show.
        matching: label matchers of the series that measure it; empty for all.
        buckets: upper bounds of a histogram, in its unit, rising.
        quantiles: of a summary: statistic (``p99``) to the value of its label ``quantile``.
        since, until: first release of the exporter that has it, and first that no longer does; None for no bound.
        source: where that is known from.
    """

    name: str
    exporter: str
    type: MetricType
    unit: str
    labels: frozenset[str]
    measures: str
    matching: str
    buckets: tuple[Decimal, ...]
    quantiles: Mapping[str, str]
    since: tuple[int, int] | None
    until: tuple[int, int] | None
    source: str

    def is_in(self, version: str) -> bool:
        """Whether a release of the exporter has it; a version that cannot be read has only what no release ever lacked."""
        number = version_number(version)
        if number is None:
            return self.since is None and self.until is None
        return (self.since is None or number >= self.since) and (self.until is None or number < self.until)

    def labels_of(self, tenant: str, service: str) -> dict[str, str]:
        """Labels that its series of one service bear, as our monitors name them."""
        return {"tenant": tenant, "picker" if self.exporter == ENDPOINT_PICKER else "service": service}

    @property
    def series(self) -> tuple[str, ...]:
        """Names that queries can ask for."""
        parts = {"histogram": ("_bucket", "_count", "_sum"), "summary": ("", "_count", "_sum")}.get(self.type, ("",))
        return tuple(self.name + part for part in parts)


@cache
def load_metrics() -> tuple[Metric, ...]:
    """Every row of the catalogue, in its order."""
    loaded = read_yaml("metrics.yaml")
    return tuple(_metric(row, loaded["exporters"][row["exporter"]]) for row in loaded["metrics"])


def metric_that_measures(engine: str, version: str, what: str) -> Metric | None:
    """The metric of a release of an engine that measures something, e.g. ``ttft_ms``; None where it has none."""
    found = (metric for metric in load_metrics() if metric.exporter == engine and metric.measures == what)
    return next((metric for metric in found if metric.is_in(version)), None)


def measurable(engine: str, version: str, among: Iterable[str]) -> tuple[str, ...]:
    """Which of these a release of an engine has a metric for, in the order given."""
    return tuple(what for what in among if metric_that_measures(engine, version, what) is not None)


def can_be_traced(engine: str, version: str) -> bool:
    """Whether the usual image of a release sends OpenTelemetry traces; a version that cannot be read does not."""
    row, number = _traces().get(engine), version_number(version)
    since = _version(row["since"]) if row is not None else None
    return since is not None and number is not None and number >= since


@cache
def _traces() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = read_yaml("metrics.yaml")["traces"]
    return found


def _metric(row: Mapping[str, Any], added: list[str]) -> Metric:
    source = sources()[row["source"]]
    labels = {*row["labels"], *added, *({"le"} if row["type"] == "histogram" else ()), *({"quantile"} if row["type"] == "summary" else ())}
    return Metric(
        row["name"], row["exporter"], row["type"], row["unit"], frozenset(labels), row.get("measures", ""), row.get("matching", ""),
        tuple(Decimal(str(bound)) for bound in row.get("buckets", ())), row.get("quantiles", {}),
        _version(row.get("since")), _version(row.get("until")), f"{source.text} ({source.as_of})")


def _version(text: str | None) -> tuple[int, int] | None:
    return None if text is None else version_number(text)
