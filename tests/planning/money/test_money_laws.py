"""What holds for the money of every wish: it adds up to the cent, more never costs less, and the unknown stays unknown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.catalog import default_catalog
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.fleet.service_throughput import ServiceThroughput
from gpuplane.planning.money.month import LEVELS, Month
from gpuplane.planning.money.node_extras import Reservation, RootVolume
from gpuplane.planning.money.node_month import NodePrices
from gpuplane.planning.money.service_unit_costs import unit_cost_proofs, with_unit_costs
from gpuplane.planning.money.shares import shares
from gpuplane.planning.money.unit_costs import UnitCosts
from tests.planning.test_laws import wishes
from tests.planning.wish import AS_OF, EXISTING, Wish, valid

FEW = settings(max_examples=30, deadline=None, derandomize=True)
prices = st.decimals(Decimal("0.01"), Decimal(200), places=5)
rates = st.decimals(Decimal("0.01"), Decimal(10_000), places=2)
fractions = st.fractions(0, 1000, max_denominator=997)


def known(months: Iterable[Month]) -> list[list[Decimal]]:
    """Amounts by level, all of them known."""
    rows = list(months)
    found = [[row.at(level) for row in rows] for level in LEVELS]
    return [[amount for amount in level if amount is not None] for level in found]


@FEW
@given(wishes)
def test_services_idle_and_pools_add_up_to_the_cent(wish: Wish) -> None:
    money = wish.plan().money
    for pool in money.pools.values():
        for level in LEVELS:
            parts = [service.month.at(level) for service in pool.services.values()]
            idle, beyond, whole = pool.idle.at(level), pool.beyond.at(level), pool.month.at(level)
            assert None not in (idle, beyond, whole)
            assert sum((part or Decimal(0) for part in parts), Decimal(0)) + (idle or 0) - (beyond or 0) == whole
            assert (idle or 0) >= 0
            assert (beyond or 0) >= 0
    sums = known(pool.month for pool in money.pools.values())
    assert [sum(level) for level in sums] == [money.month.at(level) for level in LEVELS]  # nothing beside the nodes is declared here
    tenants = known(tenant.month for tenant in money.tenants.values())
    for level, of_tenants in zip(LEVELS, tenants, strict=True):
        assert sum(of_tenants) + (money.idle.at(level) or 0) - (money.beyond.at(level) or 0) == money.month.at(level)


@FEW
@given(wishes)
def test_the_minimum_is_at_most_the_expected_and_that_at_most_the_worst_case(wish: Wish) -> None:
    money = wish.plan().money
    for month in (money.month, *(pool.month for pool in money.pools.values())):
        low, middle, high = (month.at(level) or Decimal(0) for level in LEVELS)
        assert low <= middle <= high


@FEW
@given(wishes, st.data())
def test_more_replicas_never_cost_less(wish: Wish, data: st.DataObject) -> None:
    names = [path for path in wish.documents if path.startswith("services/")]
    if not names:
        return
    name = data.draw(st.sampled_from(names))
    before = wish.plan()
    scaling = wish.documents[name]["spec"]["scaling"]
    more = data.draw(st.integers(1, 3))
    scaling["max_replicas"] += more
    scaling["min_replicas"] += data.draw(st.integers(0, more))
    after = wish.plan()
    key = name.removeprefix("services/")
    for level in LEVELS:
        assert (before.money.month.at(level) or 0) <= (after.money.month.at(level) or 0)
        assert _of(before, key, level) <= _of(after, key, level)


def _of(planned: EnvironmentPlan, service: str, level: str) -> Decimal:
    month = next(pool.services[service].month for pool in planned.money.pools.values() if service in pool.services)
    return {"minimum": month.minimum_usd_per_month, "expected": month.expected_usd_per_month,
            "worst_case": month.worst_case_usd_per_month}[level] or Decimal(0)


@FEW
@given(wishes)
def test_the_order_of_documents_does_not_change_a_cent(wish: Wish) -> None:
    spec = wish.spec()
    turned = replace(spec, **{name: dict(reversed(getattr(spec, name).items())) for name in ("pools", "tenants", "services")})
    assert plan(spec, default_catalog(), AS_OF).money == plan(turned, default_catalog(), AS_OF).money


@FEW
@given(st.integers(1, 60), st.integers(1, 60))
def test_a_dearer_node_never_makes_anything_cheaper(one: int, other: int) -> None:
    months = []
    for price in sorted((one, other)):
        wish = valid().pool("h100", "H100-SXM-80GB", existing_nodes={**EXISTING, "usd_per_node_hour": price})
        months.append(wish.plan().money)
    low, high = months
    for level in LEVELS:
        assert (low.month.at(level) or 0) <= (high.month.at(level) or 0)
        for name, tenant in low.tenants.items():
            assert (tenant.month.at(level) or 0) <= (high.tenants[name].month.at(level) or 0)


@given(prices, prices, st.integers(0, 20), st.integers(1, 20))
def test_a_reservation_that_is_fully_used_never_costs_more_than_on_demand_and_an_unused_one_costs(
        one: Decimal, other: Decimal, nodes: int, reserved: int) -> None:
    low, high = sorted((one, other))
    disk = RootVolume(200, Decimal(16), "", None)
    with_it = NodePrices(high, high, disk, Reservation(reserved, "1y", low, "", None, ""))
    without = NodePrices(high, high, disk, None)
    for level in LEVELS:
        booked, open_market = with_it.month(nodes, level), without.month(nodes, level)
        assert booked is not None
        assert open_market is not None
        assert booked <= open_market or nodes < reserved
        assert booked >= Fraction(low) * reserved * 730
        following = with_it.month(nodes + 1, level)
        assert following is not None
        assert booked <= following


@given(st.sampled_from(["hour", "disk", "reserved"]), st.integers(0, 5))
def test_one_unknown_price_makes_the_month_unknown(which: str, nodes: int) -> None:
    def price(name: str) -> Decimal | None:
        return None if name == which else Decimal(1)
    found = NodePrices(price("hour"), price("hour"), RootVolume(200, price("disk"), "", None), Reservation(1, "1y", price("reserved"), "", None, ""))
    assert [found.month(nodes, level) for level in LEVELS] == [None, None, None]


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), fractions, min_size=1, max_size=8))
def test_shares_are_the_whole_and_each_within_a_cent_of_its_due(parts: dict[str, Fraction]) -> None:
    exact = sum(parts.values(), Fraction(0))
    whole = Decimal(int(exact * 100)) / 100
    found = shares(whole, parts)
    assert sum(found.values()) == whole
    assert all(abs(Fraction(found[name]) - part) < Fraction(1, 100) for name, part in parts.items())
    assert found == shares(whole, dict(reversed(parts.items())))


def unit_costs(planned: EnvironmentPlan, requests: Decimal, tokens: Decimal | None) -> dict[str, UnitCosts | None]:
    """What the services' requests would cost if each replica served so many requests and output tokens a second."""
    serves = ServiceThroughput("measured", Decimal(1), requests, tokens, tokens, 1, True, "", ("a benchmark",))
    serving = {name: replace(tenant, services=tuple(replace(service, throughput=serves) for service in tenant.services))
               for name, tenant in planned.tenants.items()}
    priced = with_unit_costs(serving, planned.pools, planned.money)
    return {f"{name}/{service.name}": service.unit_costs for name, tenant in priced.items() for service in tenant.services}


@FEW
@given(wishes, rates, rates, rates)
def test_more_throughput_never_costs_more_for_a_token_or_a_request(wish: Wish, requests: Decimal, tokens: Decimal, more: Decimal) -> None:
    planned = wish.plan()
    slow, fast = unit_costs(planned, requests, tokens), unit_costs(planned, requests + more, tokens + more)
    assert slow.keys() == fast.keys()
    for name, found in slow.items():
        faster = fast[name]
        assert found is not None
        assert faster is not None
        assert None not in (found.usd_per_request, faster.usd_per_request)
        assert (faster.usd_per_request or 0) <= (found.usd_per_request or 0)
        assert (faster.usd_per_million_output_tokens or 0) <= (found.usd_per_million_output_tokens or 0)
        assert found.provenance == "measured"


@FEW
@given(wishes)
def test_without_throughput_or_tokens_a_unit_cost_is_unknown_and_never_zero(wish: Wish) -> None:
    planned = wish.plan()
    assert {service.unit_costs for tenant in planned.tenants.values() for service in tenant.services} <= {None}
    assert not list(unit_cost_proofs(planned.tenants, planned.pools))
    assert set(unit_costs(planned, Decimal(0), None).values()) <= {None}
    for costs in unit_costs(planned, Decimal(1), None).values():
        assert costs is not None
        assert costs.usd_per_million_output_tokens is None
