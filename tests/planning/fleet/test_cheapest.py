"""What an environment's declared plan pays over the cheapest: by service at its share of nodes, in total in whole nodes."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.catalog import default_catalog
from gpuplane.planning.fleet.cheapest import fleet_report
from gpuplane.planning.fleet.report import FleetReport
from gpuplane.spec.environment_spec import EnvironmentSpec
from tests.planning.wish import AS_OF, EKS, EXISTING, Wish, document, valid

FEW = settings(max_examples=25, deadline=None, derandomize=True)
L4 = {"instance_type": "g6.2xlarge", "release_version": "1.36.3-20261104", "min_nodes": 0, "max_nodes": 4}
MONTH_OF_H100 = Decimal("5022.40")  # an eighth of p5.48xlarge at 55.04 an hour, 730 hours
MONTH_OF_L4 = Decimal("713.64")  # g6.2xlarge at 0.9776


def measured(wish: Wish, gpu: str, rate: float, mig: str | None = None, model: str = "hf://Qwen/Qwen3-8B") -> Wish:
    """One replica of the model serves so many requests a second on this GPU."""
    name = f"on-{gpu.lower()}" + (f"-{mig.replace('.', '-')}" if mig else "")
    spec = {"model": model, "gpu": gpu, "engine": "vllm", "engine_version": "0.33.0", "provenance": "measured", "source": "load test",
            "as_of": "2026-07-01", "request_sizes": [{"points": [{"requests_per_second": rate}]}], **({"profile": mig} if mig else {})}
    wish.documents[f"throughput/{name}"] = document("ThroughputProfile", name, spec)
    return wish


def wish(rate: float, **objectives: Any) -> Wish:
    """acme's chat promises so many requests/s: an H100 serves 10, an L4 serves 2."""
    made = measured(measured(valid(), "H100-SXM-80GB", 10), "L4-24GB", 2)
    made.pool("l4", "L4-24GB", eks_managed_node_group=L4)
    made.put("services/acme/chat spec.resources", {"cpu": 4, "memory_gib": 16})
    return made.put("services/acme/chat spec.objectives", {"requests_per_second": rate, **objectives})


def report(made: Wish, **how: Any) -> FleetReport:
    return fleet_report(made.spec(), default_catalog(), AS_OF, **how)


def test_a_service_by_itself_is_priced_at_its_share() -> None:
    chat = report(wish(4)).services[0]

    assert (chat.service, chat.declared_hardware, chat.declared_replicas) == ("acme/chat", "1 × H100-SXM-80GB", 1)
    assert chat.declared_usd_per_month == MONTH_OF_H100
    assert [(part.replicas, part.slot, part.offer) for part in chat.parts] == [(2, "1 × L4-24GB", "pool l4")]
    assert chat.cheapest_usd_per_month == chat.bound_usd_per_month == Decimal("1427.29")
    assert chat.overpaid_usd_per_month == MONTH_OF_H100 - Decimal("1427.29")
    assert (chat.provenance, chat.reason) == ("measured", "")
    assert [(option.hardware, option.replicas, option.requests_per_usd) for option in chat.options] == [
        ("1 × L4-24GB", 2, Decimal(7364)), ("1 × H100-SXM-80GB", 1, Decimal(5232))]


def test_a_mixed_fleet_is_found_where_it_is_cheaper() -> None:
    chat = report(wish(13)).services[0]

    assert sorted((part.slot, part.replicas) for part in chat.parts) == [("1 × L4-24GB", 7)]
    dear = wish(13).put("node-pools/l4 spec.eks_managed_node_group.instance_type", "g6.8xlarge")
    assert sorted((part.slot, part.replicas) for part in report(dear).services[0].parts) == [("1 × H100-SXM-80GB", 1), ("1 × L4-24GB", 2)]


def test_whole_nodes_carry_everything_and_what_has_no_objectives_stays() -> None:
    found = report(wish(4))

    # embed and rank keep one H100 each, so the H100 node is there anyway and chat moves in for nothing
    assert found.declared.nodes == found.cheapest.nodes == {"pool h100": 1}
    assert {part.service for part in found.cheapest.parts} == {"acme/chat", "acme/embed", "beta/rank"}
    assert found.overpaid_usd_per_month == 0


def test_whole_nodes_alone_are_cheaper_on_small_ones() -> None:
    made = wish(4)
    del made.documents["services/acme/embed"], made.documents["services/beta/rank"]
    found = report(made)

    assert found.declared.nodes == {"pool h100": 1}
    assert found.cheapest.nodes == {"pool l4": 2}
    assert found.cheapest.optimal
    assert found.overpaid_usd_per_month == Decimal("40179.20") - Decimal("1427.29")
    assert any(line.startswith("acme/chat on 1 × L4-24GB: measured: on-l4-24gb, load test, as of 2026-07-01") for line in found.sources)


def test_a_pools_limit_holds() -> None:
    made = wish(9).put("node-pools/l4 spec.eks_managed_node_group.max_nodes", 4)
    del made.documents["services/acme/embed"], made.documents["services/beta/rank"]

    assert report(made).cheapest.nodes == {"pool h100": 1}
    assert report(made, among="catalogue").cheapest.usd_per_month == Decimal("3568.24")  # five L4s: 0.9776 × 5 × 730


def test_mig_devices_share_gpus_by_the_declared_layout() -> None:
    made = measured(wish(6), "A100-SXM-80GB", 2, mig="1g.10gb")
    made.pool("cut", "A100-SXM-80GB", existing_nodes={**EXISTING, "gpus_per_node": 1, "usd_per_node_hour": 2},
              sharing={"mig": {"layout": {"1g.10gb": 4, "3g.40gb": 1}}})
    made.put("services/acme/chat spec.resources", {"cpu": 2, "memory_gib": 16})
    chat = report(made).services[0]

    assert [(part.replicas, part.slot, part.offer) for part in chat.parts] == [(3, "1 × 1g.10gb of A100-SXM-80GB", "pool cut")]
    assert chat.cheapest_usd_per_month == Decimal("625.71")  # 3 of 7 compute slices of 2 USD × 730


def test_a_replica_that_the_host_has_no_room_for_is_no_option() -> None:
    made = wish(4).put("services/acme/chat spec.resources", {"cpu": 8, "memory_gib": 16})  # 0.9 of 8 cores are 7.2

    assert [option.hardware for option in report(made).services[0].options] == ["1 × H100-SXM-80GB"]


def test_what_is_not_known_is_said_and_never_0() -> None:
    made = valid().put("services/acme/chat spec.objectives", {"requests_per_second": 4})
    found = report(made)

    assert found.services[0].cheapest_usd_per_month is None
    assert found.services[0].reason == "no GPU on offer serves bucket 1 of acme/chat within its targets"
    assert (found.cheapest.usd_per_month, found.overpaid_usd_per_month) == (None, None)
    assert json.loads(json.dumps(found.to_json_value()))["cheapest"]["usd_per_month"] is None


def test_trust_leaves_out_what_is_only_modelled() -> None:
    made = valid().put("services/acme/chat spec.objectives", {"requests_per_second": 4, "request_sizes": [
        {"input_tokens": 256, "output_tokens": 128}]})

    assert report(made).services[0].provenance == "modelled"
    assert report(made, trust=("measured", "published")).services[0].options == ()


@FEW
@given(st.integers(1, 80), st.integers(0, 1), st.sampled_from(["pools", "catalogue"]))
def test_the_cheapest_never_costs_more_than_the_declared(rate: int, spare: int, among: str) -> None:
    made = wish(rate / 2, spare_replicas=spare).put("services/acme/chat spec.scaling", {"min_replicas": 1, "max_replicas": 6})
    found = report(made, among=among)
    for service in found.services:
        assert service.declared_usd_per_month is None or service.cheapest_usd_per_month <= service.declared_usd_per_month  # type: ignore[operator]
    if found.declared.usd_per_month is not None:
        assert found.cheapest.usd_per_month is not None
        assert found.cheapest.usd_per_month <= found.declared.usd_per_month


@FEW
@given(st.integers(1, 60))
def test_the_catalogue_never_costs_more_than_the_pools(rate: int) -> None:
    pools, catalogue = (report(wish(rate / 2), among=among).cheapest.usd_per_month for among in ("pools", "catalogue"))
    assert pools is None or (catalogue is not None and catalogue <= pools)


def test_the_order_of_documents_makes_no_difference() -> None:
    spec = wish(9).service("acme/more", "h100", objectives={"requests_per_second": 3}).spec()
    turned: EnvironmentSpec = replace(spec, **{name: dict(reversed(getattr(spec, name).items()))
                                               for name in ("pools", "services", "tenants", "throughput")})
    first, second = (fleet_report(each, default_catalog(), AS_OF, "catalogue") for each in (spec, turned))

    assert first == second
    assert json.dumps(first.to_json_value()) == json.dumps(second.to_json_value())


@pytest.mark.parametrize("kind", [EKS, {**EKS, "instance_type": "p9.48xlarge"}])
def test_a_pool_of_unknown_hardware_is_not_on_offer(kind: dict[str, Any]) -> None:
    made = wish(4).pool("odd", "H100-SXM-80GB", eks_managed_node_group=kind)

    assert report(made).services[0].cheapest_usd_per_month == Decimal("1427.29")
