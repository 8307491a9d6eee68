"""Figures in the README files of the examples are what gpuplane computes: each is computed again here and must stand there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path

import pytest

from gpuplane.catalog.overlay import catalog_of
from gpuplane.planning import plan
from gpuplane.planning.fleet.cheapest import fleet_report
from gpuplane.planning.fleet.market import Among
from gpuplane.planning.fleet.report import FleetReport, Option, ServiceFleet
from gpuplane.planning.fleet.service_throughput import ServiceThroughput
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment
from gpuplane.spec.objectives import Milliseconds, Objectives

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
AS_OF = date(2026, 11, 21)
PUBLISHED = ("measured", "published")
RATES = (40, 150, 200, 400)


def spaced(value: Decimal | int, digits: int = 0) -> str:
    """``3 062 948`` or ``1.46``."""
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return f"{rounded:,}".replace(",", " ")


@cache
def spec_of(folder: str, name: str) -> EnvironmentSpec:
    return load_environment(EXAMPLES / folder / "environments", name)


def promising(spec: EnvironmentSpec, service: str, **changes: object) -> EnvironmentSpec:
    """The same environment with other objectives of one service."""
    entry = spec.services[service]
    objectives = entry.document.spec.objectives
    assert isinstance(objectives, Objectives)
    document = entry.document.model_copy(update={"spec": entry.document.spec.model_copy(
        update={"objectives": objectives.model_copy(update=changes)})})
    return replace(spec, services={**spec.services, service: replace(entry, document=document)})


def report(spec: EnvironmentSpec, among: Among = "catalogue") -> FleetReport:
    return fleet_report(spec, catalog_of(spec), AS_OF, among, PUBLISHED)  # type: ignore[arg-type]


def option(service: ServiceFleet, gpu: str) -> Option:
    return next(row for row in service.options if row.hardware == f"1 × {gpu}")


def throughput(spec: EnvironmentSpec, tenant: str, name: str) -> ServiceThroughput:
    found = next(service.throughput for service in plan(spec, catalog_of(spec), AS_OF).tenants[tenant].services if service.name == name)
    assert found is not None
    return found


def usd(amount: Decimal | None) -> str:
    assert amount is not None
    return spaced(amount, 2)


def resnet() -> dict[str, str]:
    spec = spec_of("03-resnet-on-one-gpu", "vision")
    serves, service = throughput(spec, "photos", "resnet50"), report(spec).services[0]
    rate, month = serves.replica_requests_per_second, service.declared_usd_per_month
    assert rate is not None
    assert month is not None
    assert serves.replicas_needed == 1
    requests = 100 * 3600 * 730 / Decimal(1_000_000)
    return {
        "rate": spaced(rate, 1), "p99": "48.429", "load": spaced(100 / rate * 100, 1), "month": usd(month), "million": usd(month / requests),
        "l4": spaced(option(service, "L4-24GB").requests_per_usd), "t4": spaced(option(service, "T4-16GB").requests_per_usd)}


def chat() -> dict[str, str]:
    spec, name = spec_of("04-chat-tokens-per-dollar", "chat"), "assistants/chat"
    service = report(spec, "pools").services[0]
    gpus = []
    for gpu, words in (("L4-24GB", "L4 (g6.2xlarge)"), ("A100-SXM-40GB", "A100 40GB (p4d.24xlarge, an eighth)")):
        row = option(service, gpu)
        tokens = row.output_tokens_per_usd
        assert tokens is not None
        hourly = row.usd_per_month / row.replicas / 730
        gpus.append(f"| {words} | {spaced(row.requests_per_usd * hourly / 3600, 1)} | {spaced(tokens)} | {spaced(1_000_000 / tokens, 3)} |")
    loads = [_load(spec, name, rate) for rate in RATES]
    strict = promising(spec, name, ttft_ms=Milliseconds(p95=Decimal(200)))
    kept = report(strict, "pools").services[0]
    declared, = (row for row in plan(spec, catalog_of(spec), AS_OF).tenants["assistants"].services if row.name == "chat")
    assert declared.unit_costs is not None
    per_million = declared.unit_costs.usd_per_million_output_tokens
    assert per_million is not None
    by_fleet = option(service, "L4-24GB").output_tokens_per_usd
    assert by_fleet is not None
    assert abs(per_million - 1_000_000 / by_fleet) < Decimal("0.0002")  # gpuplane cost and gpuplane fleet say the same
    return {"unit": f"{per_million:f} USD for a million output tokens", "gpus": "\n".join(gpus), "loads": "\n".join(loads), "strict_l4": _rate(kept, "L4-24GB"), "strict_a100": _rate(kept, "A100-SXM-40GB")}


def _rate(service: ServiceFleet, gpu: str) -> str:
    row = option(service, gpu)
    return spaced(row.requests_per_usd * row.usd_per_month / row.replicas / 730 / 3600, 1)


def _load(spec: EnvironmentSpec, name: str, rate: int) -> str:
    """One row of the table of loads: the cheapest nodes of all instance types, against L4s alone."""
    found = report(promising(spec, name, requests_per_second=Decimal(rate)))
    alone = option(found.services[0], "L4-24GB")
    assert found.cheapest.optimal
    assert found.cheapest.usd_per_month is not None
    nodes = ", ".join(f"{count} × {node.removeprefix('pool ')}" for node, count in found.cheapest.nodes.items())
    saved = alone.usd_per_month - found.cheapest.usd_per_month
    return f"| {rate} | {nodes} | {usd(found.cheapest.usd_per_month)} | {alone.replicas} × L4: {usd(alone.usd_per_month)} | {usd(max(saved, Decimal(0)))} |"


def video() -> dict[str, str]:
    spec = spec_of("05-video-pipeline", "video")
    found = report(spec)
    pipeline, = found.pipelines
    rows, gpus, kept = [], 0, Decimal(0)
    for step in pipeline.steps:
        serves = throughput(spec, "studio", step.service)
        rate = serves.replica_requests_per_second
        assert rate is not None
        assert step.kept_ms is not None
        assert step.kept_ms <= step.promised_ms
        assert serves.replicas_needed is not None
        gpus, kept = gpus + serves.replicas_needed, kept + step.kept_ms
        rows.append(f"| {step.service} | {step.promised_ms:f} | {spaced(step.kept_ms, 1)} | {spaced(rate, 1)} | "
                    f"{serves.requests_per_second:f} | {serves.replicas_needed} |")
    split = sum((step.split_usd_per_month or Decimal(0) for step in pipeline.steps), Decimal(0))
    assert found.cheapest.optimal
    assert list(found.cheapest.nodes.values()) == [1]
    return {"steps": "\n".join(rows), "promised": f"{pipeline.promised_ms:f}", "kept": spaced(kept, 1), "gpus": str(gpus),
            "percent": str(100 - len(pipeline.steps)), "text": "80.9", "split": usd(split), "nodes": usd(found.cheapest.usd_per_month)}


FIGURES = {"03-resnet-on-one-gpu": resnet, "04-chat-tokens-per-dollar": chat, "05-video-pipeline": video}


@pytest.mark.parametrize("example", FIGURES)
def test_the_figures_of_an_example_are_what_is_computed(example: str) -> None:
    text = (EXAMPLES / example / "README.md").read_text(encoding="utf-8")
    missing = {name: figure for name, figure in FIGURES[example]().items() if figure not in text}

    assert missing == {}
