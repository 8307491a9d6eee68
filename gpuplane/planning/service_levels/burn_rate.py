"""Multi-window, multi-burn-rate alerts: when an error budget is spent so fast that somebody must act.

A burn rate of 1 spends the whole budget in :data:`BUDGET_DAYS`. An alert fires while the rate is over its factor in a long
window (enough was spent to matter) and in a short one (it goes on now). Windows and factors are those of the Site Reliability
Workbook, chapter 5, "Alerting on SLOs", section 6 and its Prometheus example.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

BUDGET_DAYS = 30
"""Days that an error budget is for."""
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")
"""Windows that error ratios are recorded over, shortest first; the last is the budget's."""
MOST_BAD_RATIO = Decimal("0.8")
"""An alert must be able to fire while a fifth of all is still good.

With a budget of 10 % even a total failure burns at only 10, so the factor 14.4 could never be reached (the same chapter,
"Extreme Availability Goals", says to tune such alerts): no threshold is higher than this ratio.
"""

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class BurnAlert:
    """One pair of windows.

    Attributes:
        long, short: windows of :data:`WINDOWS`.
        factor: burn rate over which it fires.
        severity: ``critical`` calls somebody, ``warning`` is for working hours.
    """

    long: str
    short: str
    factor: Decimal
    severity: Severity

    def threshold(self, budget: Decimal) -> Decimal:
        """The ratio of what is bad to all, 0 to 1, over which it fires."""
        return self.factor * budget

    @property
    def budget_spent(self) -> Decimal:
        """Part of the budget, 0 to 1, that a constant burn at its factor spends within its long window."""
        return self.factor * hours(self.long) / (BUDGET_DAYS * 24)


TABLE = (
    BurnAlert("1h", "5m", Decimal("14.4"), "critical"),
    BurnAlert("6h", "30m", Decimal(6), "critical"),
    BurnAlert("1d", "2h", Decimal(3), "warning"),
    BurnAlert("3d", "6h", Decimal(1), "warning"),
)
"""The workbook's alerts: they fire when 2, 5, 10 and 10 % of the budget are spent in their long windows."""


def burn_alerts(budget: Decimal) -> tuple[BurnAlert, ...]:
    """The alerts of one objective, fastest first; a wide budget lowers factors, and what would say the same is left out.

    Args:
        budget: ratio of what may be bad, more than 0 and less than 1.

    Raises:
        ValueError: there is no such budget.
    """
    if not 0 < budget < 1:
        raise ValueError(f"an error budget is more than 0 and less than 1, not {budget}")
    reachable, found = MOST_BAD_RATIO / budget, list[BurnAlert]()
    for alert in TABLE:
        factor = min(alert.factor, max(reachable, Decimal(1)))
        if not found or factor < found[-1].factor:
            found.append(BurnAlert(alert.long, alert.short, factor, alert.severity))
    return tuple(found)


def hours(window: str) -> Decimal:
    """Hours of a Prometheus duration such as ``5m``, ``6h`` or ``3d``."""
    return Decimal(window[:-1]) * {"m": Decimal(1) / 60, "h": Decimal(1), "d": Decimal(24)}[window[-1]]
