"""Gates on the state of things: how long it ran before, what it costs, drift, approvals. Times and dates are inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gpuplane.planning.money.month import Level, Month, usd
from gpuplane.planning.promotion.chains import chains
from gpuplane.planning.promotion.gate import GateResult, State
from gpuplane.planning.proof import Proof
from gpuplane.spec.evaluation import Approval
from gpuplane.spec.promotion import ApprovalGate, CostGate, DriftGate

HOUR = 3600
SOAK, COST, DRIFT, APPROVALS = "soak", "cost", "drift", "approvals"


@dataclass(frozen=True)
class Running:
    """Since when an environment has had a release, in Unix time, and the commit that says so; at least since then."""

    environment: str
    seconds: int
    commit: str
    at_least: bool


@dataclass(frozen=True)
class DriftResult:
    """A look for drift.

    Attributes:
        seconds: when it was, in Unix time, by the clock of who looked.
        drifted: what had drifted.
        source: digest of the file that says so, or hash of the record.
        sequence: place of the record in its audit.
        audit: which audit was read; empty: a file of its own.
    """

    environment: str
    seconds: int
    drifted: tuple[str, ...]
    source: str
    sequence: int = 0
    audit: str = ""


def soak_result(hours: int, service: str, running: Running, now: int) -> GateResult:
    """That the source has had a release for so many hours."""
    ran = max(0, now - running.seconds) / HOUR
    state: State = "pass" if ran >= hours else "unknown" if running.at_least else "fail"
    atleast = "at least " if running.at_least else ""
    said = f"{running.environment} has had it for {atleast}{ran:.1f} of {hours} hours, since {running.commit[:12]}"
    remedy = "" if state == "pass" else "Fetch the whole history (fetch-depth: 0)." if running.at_least else (
        f"Wait another {hours - ran:.1f} hours.")
    return GateResult(SOAK, service, state, said, remedy, Proof(
        f"hours in {running.environment}", "now - since ≥ hours", (("now", str(now)), ("since", str(running.seconds)),
        ("hours", str(hours))), f"{ran:.2f}", "hours", (f"commit {running.commit}",)))


def cost_results(gate: CostGate, before: Month, after: Month) -> Iterator[GateResult]:
    """That the target's month does not grow by more than is said, as expected and at worst."""
    levels: Sequence[tuple[Level, str]] = (("expected", "expected month"), ("worst_case", "worst-case month"))
    for level, words in levels:
        was, now = before.at(level), after.at(level)
        if was is None or now is None:
            yield GateResult(COST, "", "unknown", f"the {words} is not known", "Add the missing price to catalog.yaml.")
            continue
        for limit, named in _limits(gate, was):
            grown = now - was
            state: State = "pass" if grown <= limit else "fail"
            yield GateResult(
                COST, "", state, f"{words}: {usd(was)} → {usd(now)}, at most {named} more", "" if state == "pass" else
                "Take less at once, or let the owners of the gate raise it.",
                Proof(f"increase of the {words}", "after - before ≤ limit",
                      (("before", usd(was)), ("after", usd(now)), ("limit", usd(limit))), f"{grown:.2f}", "USD a month"))


def drift_results(gate: DriftGate, environments: Mapping[str, str], results: Collection[DriftResult], now: int) -> Iterator[GateResult]:
    """That somebody looked lately, and found nothing. The newest look counts: the last in its audit; of several audits and files, by time.

    Args:
        environments: source and target by ``source`` and ``target``.
        now: Unix time. A look after it is none that found nothing, but drift that it found is not undone by an earlier one.
    """
    last = [max(chain, key=lambda each: each.sequence) for chain in chains(results)]
    for name in sorted({environments[which] for which in gate.environments}):
        newest = max((each for each in last if each.environment == name), default=None,
                     key=lambda each: (each.seconds > now and bool(each.drifted), each.seconds, bool(each.drifted)))
        if newest is None:
            yield GateResult(DRIFT, "", "unknown", f"{name}: nobody looked", f"gpuplane drift {name}, and give its result with --looks.")
            continue
        age = (now - newest.seconds) / HOUR
        when = f"{age:.1f} hours ago" if age >= 0 else f"{-age:.1f} hours from now by the clock of who looked"
        said = f"{name}: looked {when}, at most {gate.max_age_hours}; {len(newest.drifted)} objects had drifted"
        state: State = "fail" if newest.drifted else "pass" if 0 <= age <= gate.max_age_hours else "unknown"
        remedy = {"pass": "", "fail": f"Repair {name} first: {', '.join(newest.drifted[:3])}.", "unknown":
                  "Look again: gpuplane drift." if age >= 0 else "Set the clocks right, and look again: gpuplane drift."}
        yield GateResult(DRIFT, "", state, said, remedy[state], Proof(
            f"{name}: age of the last look", "0 ≤ now - checked ≤ max_age_hours", (("now", str(now)), ("checked", str(newest.seconds))),
            f"{age:.2f}", "hours", (newest.source,)))


def approval_result(gate: ApprovalGate, service: str, release: str, environment: str, approvals: Mapping[str, Approval],
                    authors: Mapping[str, str], promoter: str) -> GateResult:
    """That enough people agreed to exactly this release in this environment.

    Args:
        release: digest of what would move.
        approvals: by digest.
        authors: address of the author of the commit that added each, by digest; what nobody committed is not there.
        promoter: address of who promotes; they do not count.
    """
    meant = {digest: each for digest, each in approvals.items() if (each.spec.service, each.spec.environment, each.spec.release) == (
        service, environment, release)}
    counted: dict[str, str] = {}
    passed_over: list[str] = []
    for digest, each in sorted(meant.items()):
        who = each.spec.approved_by
        if authors.get(digest) != who:
            passed_over.append(f"that of {who} was committed by {authors.get(digest, 'nobody yet')}")
        elif who == promoter:
            passed_over.append(f"{who} promotes it")
        elif gate.approvers and who not in gate.approvers:
            passed_over.append(f"{who} is not among {', '.join(gate.approvers)}")
        else:
            counted[who] = digest
    state: State = "pass" if len(counted) >= gate.count else "fail"
    names = ", ".join(f"{who} ({digest[:19]})" for who, digest in sorted(counted.items())) or "nobody"
    said = f"{len(counted)} of {gate.count}: {names}" + (f"; not counted: {'; '.join(passed_over)}" if passed_over else "")
    command = f"gpuplane evidence approve --environment {environment} --service {service} --release {release}"
    whose = " or ".join(gate.approvers) if gate.approvers else "somebody else"
    remedy = "" if state == "pass" else f"{command}, by {whose}, and commit it."
    return GateResult(APPROVALS, service, state, said, remedy, None, tuple(sorted(counted.values())))


def _limits(gate: CostGate, was: Decimal) -> Iterator[tuple[Decimal, str]]:
    if gate.max_increase_percent is not None:
        yield was * gate.max_increase_percent / 100, f"{gate.max_increase_percent:f} %"
    if gate.max_increase_usd_per_month is not None:
        yield gate.max_increase_usd_per_month, usd(gate.max_increase_usd_per_month)
