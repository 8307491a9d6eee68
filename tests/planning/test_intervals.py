"""Intervals: known values, and laws that hold for any sample."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.planning.intervals import Interval, difference, difference_interval, mean, quantile, share, wilson

FIGURES = st.floats(-1e6, 1e6).map(lambda value: round(value, 6))
WIDTHS = st.floats(0, 1e3)
INTERVALS = st.builds(lambda value, below, above: Interval(value - below, value, value + above), FIGURES, WIDTHS, WIDTHS)


@pytest.mark.parametrize(("counted", "total", "low", "high"), [  # Newcombe 1998, method 3, to four digits
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)])
def test_a_share_has_the_published_interval(counted: int, total: int, low: float, high: float) -> None:
    assert wilson(counted, total) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(("one", "other", "low", "high"), [  # Newcombe 1998, method 10
    ((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 20), 0.6791, 1.0)])
def test_a_difference_of_shares_has_the_published_interval(one: tuple[int, int], other: tuple[int, int], low: float, high: float) -> None:
    assert difference_interval(*one, *other) == pytest.approx((low, high), abs=1e-4)


@given(INTERVALS, INTERVALS, st.floats(0.1, 10))
def test_a_difference_holds_its_value_and_grows_with_either_interval(one: Interval, other: Interval, times: float) -> None:
    found = difference(one, other, times)
    wider = difference(Interval(one.low - 1, one.value, one.high + 1), other, times)

    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(one.value - times * other.value, abs=1e-6, rel=1e-9)
    assert wider.low <= found.low + 1e-9
    assert wider.high >= found.high - 1e-9


@given(INTERVALS, INTERVALS)
def test_a_difference_turned_round_is_its_negative(one: Interval, other: Interval) -> None:
    here, there = difference(one, other), difference(other, one)

    assert (here.low, here.high) == pytest.approx((-there.high, -there.low))


def test_means_differ_as_their_standard_errors_say() -> None:
    found = difference(mean(0.8, 0.03), mean(0.7, 0.04))

    assert found.high - found.value == pytest.approx(1.959964 * 0.05)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_a_quantile_lies_in_its_interval_whatever_the_order(values: list[float], part: float) -> None:
    found = quantile(values, part)

    assert found.low <= found.value <= found.high
    assert found == quantile(sorted(values, reverse=True), part)
    assert all(bound in values or math.isinf(bound) for bound in (found.low, found.high))


@pytest.mark.parametrize(("part", "fewest"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368)])
def test_a_high_quantile_needs_samples_for_an_upper_bound(part: float, fewest: int) -> None:
    assert math.isinf(quantile(range(fewest - 1), part).high)
    assert quantile(range(fewest), part).high == fewest - 1


def test_a_request_that_was_never_answered_is_slower_than_any() -> None:
    assert quantile([*range(95), *[math.inf] * 5], 0.95).value == 94
    assert math.isinf(quantile([*range(94), *[math.inf] * 6], 0.95).value)


@pytest.mark.parametrize("part", [0.5, 0.95])
def test_nineteen_of_twenty_intervals_hold_the_truth(part: float) -> None:
    chance = random.Random(7)
    truth = -math.log(1 - part)
    held = sum(found.low <= truth <= found.high for found in (quantile([chance.expovariate(1) for _ in range(200)], part) for _ in range(400)))

    assert held / 400 >= 0.93


def test_shares_keep_their_promise_near_the_edge() -> None:
    assert share(0, 0) == Interval(0.0, 0.5, 1.0)
    assert share(400, 400).low == pytest.approx(0.99049, abs=1e-5)
