"""The workbook's alerts, held against simulated months: what fires, when, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.planning.service_levels.burn_rate import MOST_BAD_RATIO, TABLE, WINDOWS, BurnAlert, burn_alerts, hours

STEP_MINUTES = 1
THOUSANDTH = Decimal("0.001")
Ratios = Callable[[int], float]
"""Minute to the ratio of requests that are bad in it; traffic is even."""


def first_fires(alert: BurnAlert, budget: Decimal, bad: Ratios, minutes: int) -> int | None:
    """The first minute in which the mean over both windows is over the threshold; before minute 0 all was good."""
    sums = [0.0, *accumulate(bad(minute) for minute in range(minutes))]
    limit = float(alert.threshold(budget))
    windows = [int(hours(window) * 60) for window in (alert.long, alert.short)]
    return next((now for now in range(1, minutes + 1)
                 if all((sums[now] - sums[max(0, now - window)]) / window > limit for window in windows)), None)


def still_fires(alert: BurnAlert, budget: Decimal, bad: Ratios, now: int) -> bool:
    limit = float(alert.threshold(budget))
    return all(sum(bad(minute) for minute in range(max(0, now - window), now)) / window > limit
               for window in (int(hours(alert.long) * 60), int(hours(alert.short) * 60)))


def test_the_table_spends_what_the_workbook_says() -> None:
    assert [(alert.long, alert.short, alert.severity, round(alert.budget_spent, 3)) for alert in TABLE] == [
        ("1h", "5m", "critical", Decimal("0.02")), ("6h", "30m", "critical", Decimal("0.05")),
        ("1d", "2h", "warning", Decimal("0.1")), ("3d", "6h", "warning", Decimal("0.1"))]


def test_a_total_failure_calls_somebody_within_a_minute_of_the_workbooks_time() -> None:
    # 99.9 %: 1.44 % of an hour are bad after 52 seconds
    assert first_fires(burn_alerts(THOUSANDTH)[0], THOUSANDTH, lambda _: 1.0, 60) == 1


@pytest.mark.parametrize(("factor", "fires"), [
    (20, ["1h", "6h", "1d", "3d"]), (10, ["6h", "1d", "3d"]), (4, ["1d", "3d"]), (1.5, ["3d"]), (0.9, [])])
def test_a_steady_burn_fires_the_alerts_below_it_and_no_others(factor: float, fires: list[str]) -> None:
    month = 4 * 24 * 60

    assert [alert.long for alert in burn_alerts(THOUSANDTH)
            if first_fires(alert, THOUSANDTH, lambda _: factor * 0.001, month) is not None] == fires


def test_a_steady_burn_at_twenty_is_seen_after_the_part_of_the_hour_that_spends_two_percent() -> None:
    assert first_fires(burn_alerts(THOUSANDTH)[0], THOUSANDTH, lambda _: 0.02, 60) == 44  # 14.4 ÷ 20 of an hour


def test_it_is_quiet_soon_after_the_failure_is_over_although_the_long_window_still_remembers() -> None:
    alert = burn_alerts(THOUSANDTH)[0]
    failed_for_half_an_hour: Ratios = lambda minute: 0.5 if minute < 30 else 0.0  # noqa: E731

    assert still_fires(alert, THOUSANDTH, failed_for_half_an_hour, 30)
    assert not still_fires(alert, THOUSANDTH, failed_for_half_an_hour, 35)


def test_a_blip_of_a_minute_calls_nobody() -> None:
    assert all(first_fires(alert, Decimal("0.01"), lambda minute: 0.5 if minute == 0 else 0.0, 120) is None
               for alert in burn_alerts(Decimal("0.01")))


@pytest.mark.parametrize(("budget", "alerts"), [
    ("0.001", [("1h", "14.4"), ("6h", "6"), ("1d", "3"), ("3d", "1")]),
    ("0.05", [("1h", "14.4"), ("6h", "6"), ("1d", "3"), ("3d", "1")]),
    ("0.1", [("1h", "8"), ("6h", "6"), ("1d", "3"), ("3d", "1")]),
    ("0.5", [("1h", "1.6"), ("3d", "1")]),
    ("0.9", [("1h", "1")]),
])
def test_a_wide_budget_has_alerts_that_can_fire(budget: str, alerts: list[tuple[str, str]]) -> None:
    found = burn_alerts(Decimal(budget))

    assert [(alert.long, f"{alert.factor.normalize():f}") for alert in found] == alerts
    assert first_fires(found[0], Decimal(budget), lambda _: 1.0, 60) is not None


@given(st.decimals("0.0001", "0.9999", places=4))
def test_every_objective_has_a_call_and_every_threshold_can_be_passed(budget: Decimal) -> None:
    alerts = burn_alerts(budget)

    assert alerts[0].severity == "critical"
    assert all(1 <= alert.factor <= 14.4 for alert in alerts)
    assert all(alert.threshold(budget) <= max(MOST_BAD_RATIO, budget) + Decimal("1e-9") for alert in alerts)
    assert all(before.factor > after.factor for before, after in pairwise(alerts))
    assert all(alert.long in WINDOWS and alert.short in WINDOWS for alert in alerts)


@pytest.mark.parametrize("budget", ["0", "1", "-0.1"])
def test_there_is_no_budget_of_nothing_or_of_everything(budget: str) -> None:
    with pytest.raises(ValueError, match="more than 0 and less than 1"):
        burn_alerts(Decimal(budget))
