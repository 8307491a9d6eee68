"""The figures of a plan: devices, shares, money, notes, proofs and their bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from gpuplane.planning.environment_plan import device_share, host_quota, quota_resource
from gpuplane.planning.json_value import cents, json_value
from gpuplane.planning.money.price_notes import price_notes
from tests.planning.wish import EKS, EXISTING, valid


def test_committed_nodes_are_those_that_minimum_replicas_fill() -> None:
    wish = valid().put("node-pools/h100 spec.eks_managed_node_group.max_nodes", 3).put("tenants/acme spec.quota.h100", 16)
    wish.put("services/acme/chat spec.scaling", {"min_replicas": 9, "max_replicas": 9})
    plan = wish.plan()
    assert plan.pools["h100"].committed_nodes == 2
    assert plan.committed_usd_per_month == 2 * Decimal("40195.20")  # 55.04 × 730, and 200 GiB of disk
    assert plan.worst_case_usd_per_month == 3 * Decimal("40195.20")


def test_min_nodes_cost_though_nobody_uses_them() -> None:
    plan = valid().pool("idle", "L4-24GB", eks_managed_node_group={
        **EKS, "instance_type": "g6.xlarge", "min_nodes": 2, "max_nodes": 4}).plan()
    assert plan.pools["idle"].committed_usd_per_month == Decimal("1207.00")  # 2 × (0.8048 × 730 + 16) = 1207.008
    assert plan.idle_usd_per_month == Decimal("40195.20") + Decimal("1207.00") - Decimal("15073.20")


def test_existing_nodes_all_cost_from_the_price_in_their_document() -> None:
    pool = valid().pool("rack", "A100-SXM-80GB", existing_nodes=EXISTING).plan().pools["rack"]
    assert (pool.committed_nodes, pool.capacity, pool.node_labels) == (2, {"nvidia.com/gpu": 16}, {"rack": "a"})
    assert pool.committed_usd_per_month == pool.worst_case_usd_per_month == Decimal(2 * 20 * 730)
    assert (pool.price_source, pool.price_as_of) == ("asset ledger 2026", None)


def test_a_pool_that_is_created_is_selected_by_its_own_label() -> None:
    assert valid().plan().pools["h100"].node_labels == {"gpuplane.dev/pool": "h100"}


def test_spot_is_budgeted_as_spot_and_at_worst_on_demand() -> None:
    pool = valid().put("node-pools/h100 spec.eks_managed_node_group.capacity_type", "spot").plan().pools["h100"]
    assert (pool.usd_per_node_hour, pool.worst_case_usd_per_node_hour) == (Decimal("33.024"), Decimal("55.04"))
    assert "spot: the larger" in pool.price_basis


def test_a_tenant_pays_the_share_of_the_node_its_minimum_takes() -> None:
    acme = valid().plan().tenants["acme"]
    assert acme.committed_usd_per_month == 2 * Decimal("5024.40")  # 2 of 8 GPUs of 55.04 × 730 + 16
    assert acme.worst_case_usd_per_month == 6 * Decimal("5024.40")


def test_quotas_tell_committed_peak_and_ceiling() -> None:
    plan = valid().plan()
    acme, beta = plan.tenants["acme"].quotas["h100"], plan.tenants["beta"].quotas["h100"]
    assert (acme.nominal, acme.committed, acme.peak, acme.peak_with_surge) == (6, 2, 5, 6)
    assert (beta.nominal, beta.borrowing, beta.ceiling, beta.lending) == (2, 4, 6, None)


def test_mig_devices_share_a_node_by_their_compute_slices() -> None:
    pool = valid().pool("cut", "A100-SXM-80GB", existing_nodes={**EXISTING, "gpus_per_node": 2},
                        sharing={"mig": {"layout": {"1g.10gb": 4, "3g.40gb": 1}}}).plan().pools["cut"]
    assert pool.devices_per_node == {"nvidia.com/mig-1g.10gb": 8, "nvidia.com/mig-3g.40gb": 2}
    assert device_share(pool, "nvidia.com/mig-1g.10gb") == Fraction(1, 14)
    assert device_share(pool, "nvidia.com/mig-3g.40gb") == Fraction(3, 14)
    assert host_quota(pool, "nvidia.com/mig-3g.40gb", 1) == (24, 197)  # 3/14 of 0.9 × 128 and 0.9 × 1024, down
    assert quota_resource(pool, "cut/3g.40gb") == "nvidia.com/mig-3g.40gb"
    with pytest.raises(KeyError):
        quota_resource(pool, "cut/7g.80gb")


def test_time_slices_are_equal_parts_of_a_gpu() -> None:
    pool = valid().pool("slow", "L4-24GB", existing_nodes={**EXISTING, "gpus_per_node": 2},
                        sharing={"time_slicing": {"replicas": 4}}).plan().pools["slow"]
    assert pool.devices_per_node == {"nvidia.com/gpu": 8}
    assert device_share(pool, "nvidia.com/gpu") == Fraction(1, 8)
    assert host_quota(pool, "nvidia.com/gpu", 8) == (115, 921)
    assert quota_resource(pool, "slow") == "nvidia.com/gpu"


def test_an_unknown_price_makes_every_sum_unknown() -> None:
    plan = valid().put("environment spec.aws.region", "eu-west-1").plan()
    assert plan.committed_usd_per_month is plan.idle_usd_per_month is plan.tenants["acme"].committed_usd_per_month is None
    assert plan.to_json_value()["committed_usd_per_month"] is None


@pytest.mark.parametrize(("as_of", "noted"), [(date(2026, 10, 18), False), (date(2026, 10, 19), True)])
def test_a_price_older_than_ninety_days_is_noted(as_of: date, noted: bool) -> None:
    notes = " ".join(valid().plan(as_of).notes)
    assert ('The price of pool h100 is of 2026-07-20, 91 days old' in notes) == noted


def test_old_prices_of_one_date_are_one_sentence() -> None:
    pool = valid().plan().pools["h100"]
    old, older = date(2026, 6, 1), date(2026, 1, 1)
    pools = {name: replace(pool, name=name, price_as_of=day, price_basis=basis) for name, day, basis in (
        ("a", old, "on demand"), ("b", old, "on demand"), ("c", old, "spot"), ("d", older, "on demand"), ("e", None, ""),
        ("f", date(2026, 10, 1), "on demand"))}
    again = "gpuplane prices refresh reads today's list prices."
    assert list(price_notes(pools, date(2026, 10, 19))) == [
        f"The price of pool d is of 2026-01-01, 291 days old: on demand. {again}",
        f"The prices of pools a, b, c are of 2026-06-01, 140 days old: a, b: on demand; c: spot. {again}"]


def test_a_cloud_quota_that_is_not_declared_is_noted() -> None:
    known = "Whether the AWS account may run the 192 vCPUs that h100 has at its maximum is not known: declare cloud_quotas.running_on_demand_p"
    assert known in " ".join(valid().plan().notes)
    assert known not in " ".join(valid().put("environment spec.cloud_quotas", {"running_on_demand_p": 192}).plan().notes)


def test_a_budget_that_the_maximum_would_break_is_noted() -> None:
    notes = " ".join(valid().put("tenants/acme spec.budget_usd_per_month", 30_000).plan().notes)
    assert "At its maximum tenant acme would cost 30 146.40 USD a month; its budget is 30 000.00 USD." in notes


def test_the_region_of_an_existing_cluster_is_noted_as_unknown() -> None:
    wish = valid().put("environment spec.cloud", "existing").drop("environment spec.aws")
    wish.pool("h100", "H100-SXM-80GB", existing_nodes=EXISTING).put("tenants/acme spec.allowed_regions", ["eu-west-1"])
    plan = wish.plan()
    assert plan.refusals == ()
    assert any("allowed_regions of tenant acme is not checked here" in note for note in plan.notes)


def test_pool_and_tenant_figures_carry_proofs_with_sources() -> None:
    plan = valid().plan()
    proofs = {proof.claim: proof for proof in plan.proofs}
    cost = proofs["pool h100: committed cost"]
    assert cost.inputs == (("nodes", "1"), ("usd_per_node_hour", "55.04"), ("hours_per_month", "730"),
                           ("disk_usd_per_node_month", "16.00"))
    assert (cost.result, cost.unit) == ("40195.20", "USD a month")
    assert "as of 2026-07-20" in cost.sources[0]
    assert proofs["pool h100: capacity of nvidia.com/gpu"].result == "8"
    assert proofs["tenant acme: peak on h100"].inputs == (("chat", "(2 + 1) × 1"), ("embed", "(3 + 0) × 1"))
    assert proofs["tenant acme: committed cost"].result == "10048.80"
    assert proofs["environment prod: committed cost"].result == "40195.20"


def test_a_plan_is_json_with_sorted_keys_and_exact_money() -> None:
    value = valid().plan().to_json_value()
    text = json.dumps(value)
    assert json.dumps(json.loads(text), sort_keys=True) == text
    assert value["as_of"] == "2026-08-01"
    assert value["budget_usd_per_month"] == "100000.00"
    assert value["pools"]["h100"]["usd_per_node_hour"] == "55.04"
    assert value["tenants"]["acme"]["quotas"]["h100"]["peak_with_surge"] == 6


@pytest.mark.parametrize(("amount", "expected"), [(Fraction(1, 3), "0.33"), (Decimal("0.999"), "0.99"), (Decimal(5), "5.00")])
def test_money_is_cut_down_to_the_cent(amount: Decimal | Fraction, expected: str) -> None:
    assert json_value(cents(amount), "x_usd_per_month") == expected


def test_a_release_newer_than_any_known_start_up_is_said() -> None:
    def notes(version: str) -> list[str]:
        plan = valid().put("services/acme/chat spec.release.vllm.version", version).plan()
        return [note for note in plan.notes if "newest release whose start-ups were compared" in note]

    assert any("acme/chat" in note for note in notes("0.99.0"))
    assert not any("acme/chat" in note for note in notes("0.26.0"))
