"""What a rule says about one resource."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SEVERITIES = ("low", "medium", "high", "critical")
"""Severities, least first."""


JUDGE_CHANGE = "JU-01"
"""Rule id of a finding that a change touches what judges it; reports list it before everything else."""


class Verdict(StrEnum):
    """Outcome of a rule for a resource, and of all rules together."""

    PASS = "pass"  # noqa: S105 a verdict
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """A rule that a resource breaks, or that cannot be judged before apply.

    Attributes:
        rule: catalogue id, e.g. ``WS-01``.
        severity: one of ``low, medium, high, critical``.
        verdict: ``fail`` or ``unknown``.
        message: one sentence with the measured value and the limit.
        remedy: what to do, in the words of the wish.
        urn, kind, namespace, name: the resource.
        field: dotted path in the resource, e.g. ``spec.predictor.maxReplicas``.
        tenant: who is affected; empty for the platform.
        file, line: where the wish or the manifest stands; line 0 is unknown.
        waived: reason and end of the exemption that covers it; empty for none.
        stops: whether the environment makes it stop an apply (or not); None where the severity decides.
    """

    rule: str
    severity: str
    verdict: Verdict
    message: str
    remedy: str
    urn: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    field: str = ""
    tenant: str = ""
    file: str = ""
    line: int = 0
    waived: str = ""
    stops: bool | None = None

    @property
    def blocks(self) -> bool:
        """Whether this stops an apply: critical and high do, unknown like fail, waived ones do not; an environment may say otherwise."""
        return not self.waived and (self.severity in ("high", "critical") if self.stops is None else self.stops)

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Order of reports: changes to the judge, then blocking ones, then by severity, rule and resource."""
        return (self.rule != JUDGE_CHANGE, not self.blocks, -SEVERITIES.index(self.severity), self.rule, self.file, self.line,
                self.namespace, self.name, self.urn, self.message)
