"""Which price is reckoned with, and what is said about it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from gpuplane.catalog import hourly_price, instance, price_book_age_days
from gpuplane.catalog.prices import PriceRow, price_in


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
    assert "no maximum is known" in price.basis


def test_a_spot_average_above_six_tenths_counts_as_it_is() -> None:
    price = hourly_price("g6e.2xlarge", "us-west-2", "spot")
    assert price is not None
    assert price.usd_per_hour == Decimal("1.457352")


@pytest.mark.parametrize("spelling", ["SPOT", "spot", "Spot"])
def test_capacity_types_are_read_in_every_spelling(spelling: str) -> None:
    assert hourly_price("g6e.xlarge", "us-east-1", spelling) == hourly_price("g6e.xlarge", "us-east-1", "spot")
    assert hourly_price("g6e.xlarge", "us-east-1", "ON_DEMAND") == hourly_price("g6e.xlarge", "us-east-1", "on-demand")


def test_a_capacity_type_that_does_not_exist_is_a_defect() -> None:
    with pytest.raises(ValueError, match="allowed: on_demand, spot"):
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
    v100 = instance("p3.2xlarge")
    assert v100 is not None
    assert v100.gpu is None
