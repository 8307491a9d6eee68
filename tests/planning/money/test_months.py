"""Months at three levels: what is counted, at which price, who bears it, and what is said of it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from gpuplane.planning.money.month import LEVELS, Month
from gpuplane.planning.money.shares import shares
from gpuplane.planning.money.unit_costs import cost_per_million_tokens, cost_per_request
from tests.planning.wish import EKS, EXISTING, Wish, valid

NODE = Decimal("40195.20")
"""A p5.48xlarge in us-east-1: 55.04 × 730 + 200 × 0.08."""
GROUP = "node-pools/h100 spec.eks_managed_node_group"


def month(*amounts: str) -> Month:
    return Month(*(Decimal(amount) for amount in amounts))


def test_the_three_levels_of_a_service_and_what_is_left_of_its_node() -> None:
    wish = valid().put("services/acme/chat spec.scaling.expected_replicas", 1.5)
    money = wish.plan().money
    pool = money.pools["h100"]
    assert pool.services["acme/chat"].month == month("5024.40", "7536.60", "15073.20")  # 1, 1.5 and 2 + 1 of 8 GPUs
    assert pool.services["acme/embed"].month == month("5024.40", "5024.40", "15073.20")
    assert pool.month == Month(NODE, NODE, NODE)
    assert pool.idle == month("25122.00", "22609.80", "0.00")  # at most 8 of 8 GPUs are asked for
    assert money.tenants["acme"].month == month("10048.80", "12561.00", "30146.40")


@pytest.mark.parametrize(("service", "percent", "replicas", "said_by"), [
    (None, None, "1", "nobody"), (None, 0, "1", "pool"), (None, 50, "2", "pool"), (None, 33, "1.66", "pool"), (None, 100, "3", "pool"),
    (2.5, None, "2.5", "service"), (1, 50, "1", "service")])
def test_what_is_expected_is_what_the_service_says_else_its_pool_else_the_minimum(
        service: float | None, percent: int | None, replicas: str, said_by: str) -> None:
    wish = valid()  # embed: 1 to 3 replicas
    if service is not None:
        wish.put("services/acme/embed spec.scaling.expected_replicas", service)
    if percent is not None:
        wish.put("node-pools/h100 spec.expected_scale_percent", percent)
    plan = wish.plan()
    expected = plan.money.pools["h100"].services["acme/embed"].expected
    assert (expected.replicas, expected.said_by) == (Decimal(replicas), said_by)
    assert any("acme/embed" in note and "their minimum counts" in note for note in plan.notes) == (said_by == "nobody")


def test_expected_replicas_fill_whole_nodes() -> None:
    wish = valid().put(f"{GROUP}.max_nodes", 3).put("tenants/acme spec.quota.h100", 16)
    wish.put("services/acme/embed spec.scaling", {"min_replicas": 1, "max_replicas": 12, "expected_replicas": 6.5})
    pool = wish.plan().money.pools["h100"]
    assert (pool.nodes.minimum, pool.nodes.expected, pool.nodes.worst_case) == (1, 2, 3)  # 1 + 6.5 + 1 of 8
    assert pool.month == Month(NODE, 2 * NODE, 3 * NODE)
    assert pool.services["acme/embed"].month.expected_usd_per_month == Decimal("32658.60")  # 6.5 / 8


def test_figures_that_cannot_all_come_true_are_taken_off_again() -> None:
    wish = valid().put("services/beta/rank spec.scaling.max_replicas", 6).put("services/beta/rank spec.placement.may_borrow", True)
    pool = wish.plan().money.pools["h100"]
    assert sum((row.month.worst_case_usd_per_month or Decimal(0) for row in pool.services.values()), Decimal(0)) == 12 * NODE / 8
    assert (pool.month.worst_case_usd_per_month, pool.beyond.worst_case_usd_per_month) == (NODE, 4 * NODE / 8)
    assert pool.idle.worst_case_usd_per_month == 0


def test_reserved_nodes_are_paid_for_used_or_not_and_the_rest_is_on_demand() -> None:
    wish = valid().put(f"{GROUP}.max_nodes", 3).put(f"{GROUP}.reserved", {"nodes": 2, "term": "3y"})
    pool = wish.plan().money.pools["h100"]
    reserved = Decimal("43.15701") * 730  # a node's month; its disk only while it runs
    assert pool.reservation is not None
    assert pool.reservation.usd_per_node_hour == Decimal("43.15701")
    assert pool.month.minimum_usd_per_month == (2 * reserved + 16).quantize(Decimal("0.01"), "ROUND_FLOOR")
    assert pool.month.worst_case_usd_per_month == (2 * reserved + Decimal("55.04") * 730 + 48).quantize(Decimal("0.01"), "ROUND_FLOOR")
    each = pool.month.minimum_usd_per_month / 2 / 8  # of 16 GPUs that are paid for
    assert abs((pool.services["acme/chat"].month.minimum_usd_per_month or 0) - each) < Decimal("0.01")


def test_spot_is_dearer_at_worst_and_never_cheaper_than_it_is_bought() -> None:
    pool = valid().put(f"{GROUP}.capacity_type", "spot").plan().money.pools["h100"]
    assert pool.month == Month(Decimal("24123.52"), Decimal("24123.52"), NODE)  # 0.6 × 55.04 × 730 + 16


def test_mig_devices_bear_their_compute_slices_and_time_slices_their_slot() -> None:
    nodes = {**EXISTING, "gpus_per_node": 2, "max_nodes": 1}
    wish = valid().pool("cut", "A100-SXM-80GB", existing_nodes=nodes, sharing={"mig": {"layout": {"1g.10gb": 4, "3g.40gb": 1}}})
    wish.pool("slow", "L4-24GB", existing_nodes=nodes, sharing={"time_slicing": {"replicas": 4}})
    wish.put("tenants/acme spec.quota|cut/1g.10gb", 4).put("tenants/acme spec.quota|cut/3g.40gb", 1).put("tenants/acme spec.quota.slow", 1)
    wish.service("acme/small", "cut/1g.10gb").service("acme/large", "cut/3g.40gb").service("acme/turns", "slow")
    pools = wish.plan().money.pools
    assert pools["cut"].services["acme/small"].month.minimum_usd_per_month == Decimal("1042.86")  # 14,600 / 14
    assert pools["cut"].services["acme/large"].month.minimum_usd_per_month == Decimal("3128.57")  # 3 × as much
    assert pools["cut"].idle.minimum_usd_per_month == Decimal("10428.57")
    assert pools["slow"].services["acme/turns"].month.minimum_usd_per_month == Decimal(14_600) / 8


def test_what_is_declared_beside_the_nodes_is_borne_by_who_declares_it() -> None:
    wish = valid().put("environment spec.cloud_use", {"application_load_balancers": 2, "inter_zone_gib_per_month": 100})
    wish.put("tenants/acme spec.cloud_use", {"egress_gib_per_month": 500})
    money, plain = wish.plan().money, valid().plan().money
    rows = {(other.name, other.tenant): other.month for other in money.others}
    assert rows["application load balancers", ""] == month("32.85", "32.85", "32.85")  # 2 × 0.0225 × 730
    assert rows["traffic between zones", ""] == month("2.00", "2.00", "2.00")  # 0.01 at each end
    assert rows["traffic out to the internet", "acme"] == month("45.00", "45.00", "45.00")
    assert money.tenants["acme"].month.minimum_usd_per_month == Decimal("10048.80") + 45
    for level in LEVELS:
        assert (money.month.at(level) or 0) - (plain.month.at(level) or 0) == Decimal("79.85")
    assert "application load balancers" in plain.not_in_figure
    assert "application load balancers" not in money.not_in_figure


@pytest.mark.parametrize(("budget", "status", "refused", "noted"), [
    ({"usd_per_month": "10048.80"}, "warn", False, True), ({"usd_per_month": "10048.79"}, "over", True, False),
    ({"usd_per_month": 20_000}, "ok", False, False), ({"usd_per_month": 12_561}, "warn", False, True),
    ({"usd_per_month": 12_562}, "ok", False, False), ({"usd_per_month": 9_500, "block_percent": 110}, "warn", False, True),
    ({"usd_per_month": 30_000, "basis": "worst_case"}, "over", True, False),
    ({"usd_per_month": 30_000, "basis": "worst_case", "block_percent": 101}, "warn", False, True)])
def test_a_budget_warns_and_blocks_at_its_levels(budget: dict[str, object], status: str, refused: bool, noted: bool) -> None:
    budget["usd_per_month"] = float(str(budget["usd_per_month"]))
    plan = valid().drop("tenants/acme spec.budget_usd_per_month").put("tenants/acme spec.budget", budget).plan()
    assert plan.money.tenants["acme"].budget.status == status
    assert any(refusal.rule == "CB-01" for refusal in plan.refusals) == refused
    assert any(note.startswith("The ") and "tenant acme" in note and "a warning from 80 % on" in note for note in plan.notes) == noted


def test_a_pool_of_unknown_hardware_makes_every_sum_unknown() -> None:
    wish: Wish = valid().pool("h100", "H100-SXM-80GB", eks_managed_node_group={**EKS, "instance_type": "p9.48xlarge"})
    money = wish.plan().money
    assert money.month == money.idle == money.tenants["acme"].month == Month(None, None, None)
    assert money.tenants["acme"].budget.status == "unknown"


@pytest.mark.parametrize(("whole", "parts", "expected"), [
    ("1.00", {"a": Fraction(1, 3), "b": Fraction(1, 3), "c": Fraction(1, 3)}, {"a": "0.34", "b": "0.33", "c": "0.33"}),
    ("0.01", {"a": Fraction(1, 300), "b": Fraction(2, 300)}, {"a": "0.00", "b": "0.01"}),
    ("0.00", {}, {}), ("2.00", {"a": Fraction(2)}, {"a": "2.00"})])
def test_cents_that_are_left_over_go_to_those_that_lost_most(
        whole: str, parts: dict[str, Fraction], expected: dict[str, str]) -> None:
    assert shares(Decimal(whole), parts) == {name: Decimal(amount) for name, amount in expected.items()}


def test_parts_that_are_not_of_the_whole_are_a_defect() -> None:
    with pytest.raises(ValueError, match="is not the sum"):
        shares(Decimal("9.00"), {"a": Fraction(1)})


@pytest.mark.parametrize(("hourly", "rate", "tokens", "each"), [
    ("55.04", "1000", "15.2889", "0.00001529"), ("1", "277.777778", "1.0000", "0.00000100"), ("0", "5", "0.0000", "0E-8")])
def test_a_token_and_a_request_cost_what_the_hour_costs_by_what_it_yields(hourly: str, rate: str, tokens: str, each: str) -> None:
    assert cost_per_million_tokens(Decimal(hourly), Decimal(rate)) == Decimal(tokens)
    assert cost_per_request(Decimal(hourly), Decimal(rate)) == Decimal(each)


def test_what_yields_nothing_has_no_price_and_nothing_is_negative() -> None:
    assert cost_per_million_tokens(Decimal(1), Decimal(0)) is None
    with pytest.raises(ValueError, match="negative"):
        cost_per_request(Decimal(-1), Decimal(1))
