"""What a request or a million tokens costs on replicas that are kept busy."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

_MILLION, _SECONDS_PER_HOUR = 1_000_000, 3600


@dataclass(frozen=True)
class UnitCosts:
    """What a service's requests and tokens cost on replicas kept as busy as its objectives allow.

    Idle replicas and root volumes are not in it.

    Attributes:
        usd_per_million_output_tokens: None: its requests have no tokens.
        usd_per_request: None: not known.
        usd_per_node_hour: of a node of its pool, as budgets reckon; reserved and other nodes of the expected month on average.
        provenance: of the throughput: ``measured``, ``published`` or ``modelled``.
    """

    usd_per_million_output_tokens: Decimal | None
    usd_per_request: Decimal | None
    usd_per_node_hour: Decimal
    provenance: str


def cost_per_million_tokens(usd_per_hour: Decimal, tokens_per_second: Decimal) -> Decimal | None:
    """US dollars for a million tokens, to a ten-thousandth: usd_per_hour ÷ (tokens_per_second × 3600) × 1,000,000.

    Args:
        usd_per_hour: of what yields the tokens.
        tokens_per_second: that it yields; None comes back for 0, for what yields nothing has no price per token.

    Raises:
        ValueError: one of them is negative.
    """
    return _each(usd_per_hour, tokens_per_second, _MILLION, Decimal("0.0001"))


def cost_per_request(usd_per_hour: Decimal, requests_per_second: Decimal) -> Decimal | None:
    """US dollars for a request, to a hundred-millionth: usd_per_hour ÷ (requests_per_second × 3600); None for 0 requests.

    Raises:
        ValueError: one of them is negative.
    """
    return _each(usd_per_hour, requests_per_second, 1, Decimal("0.00000001"))


def _each(usd_per_hour: Decimal, per_second: Decimal, units: int, step: Decimal) -> Decimal | None:
    if usd_per_hour < 0 or per_second < 0:
        raise ValueError(f"negative: {usd_per_hour} USD an hour, {per_second} a second")
    if not per_second:
        return None
    exact = Fraction(usd_per_hour) * units / (Fraction(per_second) * _SECONDS_PER_HOUR)
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(step, ROUND_HALF_EVEN)
