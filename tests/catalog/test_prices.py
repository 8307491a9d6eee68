"""Which price is reckoned with, and what is said about it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from gpuplane.catalog import default_catalog, hourly_price, instance, price_book_age_days
from gpuplane.catalog.prices import PriceRow, history, newest, price_in
from gpuplane.catalog.spot_history import spot_history_in


def test_on_demand_in_us_east_1_is_the_newest_row() -> None:
    price = hourly_price("p5.48xlarge", "us-east-1", "on_demand")
    assert price is not None
    assert (price.usd_per_hour, price.as_of, price.basis) == (Decimal("55.04"), date(2026, 7, 20), "on demand")


def test_an_old_p5_price_says_that_it_precedes_the_cut() -> None:
    price = hourly_price("p5.48xlarge", "us-west-2", "on_demand")
    assert price is not None
    assert (price.usd_per_hour, price.as_of) == (Decimal("98.32"), date(2025, 5, 28))
    assert "June 2025" in price.basis


def test_an_old_g6e_price_has_no_such_caveat() -> None:
    price = hourly_price("g6e.xlarge", "eu-central-1", "on_demand")
    assert price is not None
    assert price.basis == "on demand"


@pytest.mark.parametrize(("instance_type", "expected"), [
    ("p5.48xlarge", Decimal("0.6") * Decimal("55.04")),  # the average, 25.5632, is less
    ("g6.48xlarge", Decimal("0.6") * Decimal("13.3504")),
])
def test_spot_is_never_reckoned_below_six_tenths_of_on_demand(instance_type: str, expected: Decimal) -> None:
    price = hourly_price(instance_type, "us-east-1", "spot")
    assert price is not None
    assert price.usd_per_hour == expected
    assert "0.6 × on demand" in price.basis


def test_the_dearest_spot_price_seen_counts_where_it_is_above_six_tenths() -> None:
    price = hourly_price("g6e.2xlarge", "us-west-2", "spot")
    assert price is not None
    assert price.usd_per_hour == Decimal("1.5606")
    assert price.basis.startswith("spot: the larger of the dearest zone of 2025-05-28 (1.5606)")


@pytest.mark.parametrize("capacity_type", ["reserved_1y", "RESERVED-1Y"])
def test_a_reservation_costs_its_own_row(capacity_type: str) -> None:
    price = hourly_price("g6e.xlarge", "us-east-1", capacity_type)
    assert price is not None
    assert (price.usd_per_hour, price.as_of) == (Decimal("1.17243"), date(2025, 5, 28))
    assert price.basis == "reserved for 1 year, no upfront, paid for every hour of the term"


def test_a_reservation_of_before_a_price_cut_is_unknown_and_not_dearer_than_on_demand() -> None:
    old = PriceRow("a.b", "us-east-1", "reserved_1y", Decimal("77.4"), "2025", date(2025, 5, 1))
    now = PriceRow("a.b", "us-east-1", "on_demand", Decimal("55"), "2026", date(2026, 7, 1))
    assert price_in({row.key: row for row in (old, now)}, "a.b", "us-east-1", "reserved_1y") is None


def test_a_reservation_of_before_the_cut_that_is_still_cheaper_says_how_old_it_is() -> None:
    price = hourly_price("p4d.24xlarge", "us-east-1", "reserved_1y")
    assert price is not None
    assert "June 2025" in price.basis


def test_history_keeps_every_day_and_the_newest_counts() -> None:
    days = [PriceRow("a.b", "us-east-1", offer, Decimal(usd), "s", date(2026, month, 1))
            for offer, usd, month in (("spot_average", "2", 3), ("spot_average", "1", 1), ("spot_max", "4", 2), ("spot_average", "3", 1))]
    rows = history(days)
    found = spot_history_in(rows, "a.b", "us-east-1")
    assert found is not None
    assert [(row.as_of.month, row.offer, row.usd_per_hour) for row in found.rows] == [
        (1, "spot_average", 3), (2, "spot_max", 4), (3, "spot_average", 2)]
    assert (found.mean, found.highest, found.first, found.last) == (Decimal("2.5"), 4, date(2026, 1, 1), date(2026, 3, 1))
    assert newest(rows)["a.b", "us-east-1", "spot_average"].usd_per_hour == 2
    assert spot_history_in(rows, "a.b", "us-west-2") is None
    shipped = default_catalog().spot_history("g5.xlarge", "us-east-1")
    assert shipped is not None
    assert shipped.highest == Decimal("0.4172")


@pytest.mark.parametrize("spelling", ["SPOT", "spot", "Spot"])
def test_capacity_types_are_read_in_every_spelling(spelling: str) -> None:
    assert hourly_price("g6e.xlarge", "us-east-1", spelling) == hourly_price("g6e.xlarge", "us-east-1", "spot")
    assert hourly_price("g6e.xlarge", "us-east-1", "ON_DEMAND") == hourly_price("g6e.xlarge", "us-east-1", "on-demand")


def test_a_capacity_type_that_does_not_exist_is_a_defect() -> None:
    with pytest.raises(ValueError, match="allowed: on_demand, spot, reserved_1y, reserved_3y"):
        hourly_price("g6e.xlarge", "us-east-1", "reserved")


@pytest.mark.parametrize(("instance_type", "region", "capacity_type"), [
    ("p5e.48xlarge", "us-east-1", "on_demand"),  # no price in any column
    ("p5.48xlarge", "eu-west-1", "on_demand"),
    ("p4de.24xlarge", "us-east-1", "spot"),  # an on-demand price alone
    ("x9.nothing", "us-east-1", "on_demand"),
])
def test_an_unknown_price_is_none_and_never_zero(instance_type: str, region: str, capacity_type: str) -> None:
    assert hourly_price(instance_type, region, capacity_type) is None


def test_a_price_rests_on_the_book_it_is_asked_in() -> None:
    row = PriceRow("a.b", "us-east-1", "on_demand", Decimal(3), "a contract", date(2026, 1, 2))
    price = price_in({("a.b", "us-east-1", "on_demand"): row}, "a.b", "us-east-1", "on_demand")
    assert price is not None
    assert (price.usd_per_hour, price.source, price.as_of) == (Decimal(3), "a contract", date(2026, 1, 2))


def test_the_age_of_the_price_book_is_that_of_its_newest_row() -> None:
    assert price_book_age_days(date(2026, 7, 30)) == 10


def test_an_instance_type_is_known_by_its_name() -> None:
    found = instance("p5.48xlarge")
    assert found is not None
    assert (found.gpus, found.gpu, found.vcpus, found.memory_gib) == (8, "H100-SXM-80GB", 192, 2048)
    assert instance("p5.48xlarg") is None
    assert (found.arch, found.local_disk_gb, found.network_gbit, found.efa_interfaces, found.nvlink_gpus, found.max_pods) == (
        "x86_64", 30400, 3200, 32, 8, 100)
