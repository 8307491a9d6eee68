"""Recall and false alarms of the rules on manifests that public policy suites labelled for their own rules.

``python -m tests.policies.labelled_cases`` prints the table; ``GPUPLANE_POLICY_CASES`` names the folder with ``cases.tsv``. "good" means
good for that one rule. What a label is worth for our rule is judged in ``exclusions.tsv``: ``other`` is a label that our rule is no answer
to (left out of the measure), ``miss`` a case that our rule gets wrong (measured). A disagreement that is in neither way judged fails a test.
"""

from __future__ import annotations

import csv
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from gpuplane.graph.manifests import read_manifests
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.pod_security import BASELINE, Level, violations
from gpuplane.policies.registry import all_rules

FOLDER = os.environ.get("GPUPLANE_POLICY_CASES")
BASELINE_ONLY = ("pod-security/restrict-seccomp:", "/seccompv2/seccomp-baseline--")
"""Native rules and paths that are about level Baseline, where our rule is about Restricted and says with a severity what Baseline is."""
EXCLUSIONS = Path(__file__).with_name("exclusions.tsv")


@dataclass(frozen=True)
class Exclusion:
    """One row of ``exclusions.tsv``.

    Attributes:
        suite, case: whose label; the case is a path of ``cases.tsv`` or a native rule, which covers all cases with that label.
        rule: the catalogue rule as the mapping has it.
        expected: the suite's label, ``bad`` or ``good``.
        judged: ``other`` (the label is no answer to our rule) or ``miss`` (our rule is wrong).
        reason: why, in one sentence.
    """

    suite: str
    case: str
    rule: str
    expected: str
    judged: Literal["other", "miss"]
    reason: str

    def covers(self, case: Case) -> bool:
        return (self.suite, self.rule, self.expected) == (case.suite, case.rule, case.expected) and self.case in (case.path, case.native)


@dataclass(frozen=True)
class Case:
    """One labelled manifest, and what our rules say of it.

    Attributes:
        suite, path, native, rule, expected: of ``cases.tsv``; ``native`` is the suite's own rule.
        found: whether our rule has a finding; an unknown is one, because it blocks.
        exclusion: the judgement that covers it.
    """

    suite: str
    path: str
    native: str
    rule: str
    expected: str
    found: bool
    exclusion: Exclusion | None

    @property
    def agrees(self) -> bool:
        return self.found == (self.expected == "bad")

    @property
    def measured(self) -> bool:
        """Whether the label is an answer to our rule."""
        return self.exclusion is None or self.exclusion.judged != "other"


@dataclass(frozen=True)
class Score:
    """Counts of some cases; recall and false alarms are shares, and None where there is nothing to find or to leave alone."""

    bad: int
    found: int
    good: int
    alarms: int
    left_out: int

    @property
    def recall(self) -> float | None:
        return self.found / self.bad if self.bad else None

    @property
    def false_alarms(self) -> float | None:
        return self.alarms / self.good if self.good else None


def score(cases: Sequence[Case], *, raw: bool = False) -> Score:
    """Counts over cases; ``raw`` takes every label as it stands."""
    counts = Counter((case.expected, case.found) for case in cases if raw or case.measured)
    return Score(counts["bad", True] + counts["bad", False], counts["bad", True], counts["good", True] + counts["good", False],
                 counts["good", True], 0 if raw else sum(not case.measured for case in cases))


def exclusions() -> tuple[Exclusion, ...]:
    """The judged disagreements, in the file's order."""
    with EXCLUSIONS.open(encoding="utf-8", newline="") as table:
        return tuple(Exclusion(**row) for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))  # type: ignore[arg-type]


@cache
def cases() -> tuple[Case, ...]:
    """Every case that is mapped to a rule that exists, judged; none where the folder is not named."""
    return tuple(_judged())


def report() -> str:
    """Recall and false alarms by rule and suite, then of all together: as measured, and with every label as it stands."""
    lines = [f"{'rule':<12} {'suite':<11} {'bad':>4} {'found':>6} {'recall':>7} {'good':>5} {'alarms':>7} {'rate':>6} {'left out':>9}"]
    for rule in sorted({case.rule for case in cases()}):
        for suite in sorted({case.suite for case in cases() if case.rule == rule}):
            lines.append(_row(rule, suite, score([case for case in cases() if (case.rule, case.suite) == (rule, suite)])))
    lines += [_row("all", suite, score([case for case in cases() if case.suite == suite])) for suite in sorted({case.suite for case in cases()})]
    lines += [_row("all", "measured", score(cases())), _row("all", "raw labels", score(cases(), raw=True))]
    return "\n".join([*lines, "", *_wrong()])


def main() -> None:
    """Print the table."""
    if FOLDER is None:
        sys.exit("GPUPLANE_POLICY_CASES is not set: name the folder that holds cases.tsv.")
    print(report())


def _judged() -> Iterator[Case]:
    known, judged = {rule.id for rule in all_rules()}, exclusions()
    for row in _rows():
        rules = _rules_of(row, known)
        if rules:
            case = Case(row["suite"], row["path"], row["native_rule"], row["catalogue_rule"], row["expected"], _found(row, rules), None)
            yield Case(**{**vars(case), "exclusion": next((one for one in judged if one.covers(case)), None)})


def _rows() -> Iterator[dict[str, str]]:
    if FOLDER is not None:
        with (Path(FOLDER) / "cases.tsv").open(encoding="utf-8", newline="") as table:
            yield from csv.DictReader(table, delimiter="\t")


def _rules_of(row: dict[str, str], known: set[str]) -> set[str]:
    """Rules that a row is about: one, several with ``|``, or a profile as ``WS-*``; none until all of them exist."""
    named = set(row["catalogue_rule"].split("|")) - {""}
    if named == {"WS-*"}:
        return set(BASELINE) & known
    return named if named <= known else set()


def _found(row: dict[str, str], rules: set[str]) -> bool:
    views, _ = read_manifests([Path(str(FOLDER)) / row["path"]])
    graph, level = PlannedGraph(views), _level(row)
    if level is not None:
        return any(finding.rule in rules for finding in violations(graph, level))
    return any(True for rule in all_rules() if rule.id in rules for _ in rule.check(graph))


def _level(row: dict[str, str]) -> Level | None:
    if row["suite"] == "psa":
        return Level(row["native_rule"].partition(":")[0])
    return Level.BASELINE if any(row["native_rule"].startswith(part) or part in row["path"] for part in BASELINE_ONLY) else None


def _row(rule: str, suite: str, of: Score) -> str:
    recall, rate = (f"{share:.0%}" if share is not None else "-" for share in (of.recall, of.false_alarms))
    return f"{rule:<12} {suite:<11} {of.bad:>4} {of.found:>6} {recall:>7} {of.good:>5} {of.alarms:>7} {rate:>6} {of.left_out:>9}"


def _wrong() -> Iterator[str]:
    for case in cases():
        if not case.agrees and case.measured:
            why = case.exclusion.reason if case.exclusion else "not judged yet"
            yield f"{case.rule} {'misses' if case.expected == 'bad' else 'alarms at'} {case.path} ({case.native}): {why}"


if __name__ == "__main__":
    main()
