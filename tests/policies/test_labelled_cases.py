"""Recall and false alarms on manifests that public policy suites labelled; what they are is said in ``labelled_cases.py``."""

from pathlib import Path

import pytest

from gpuplane.graph.manifests import read_manifests
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.registry import all_rules
from tests.policies.labelled_cases import FOLDER, Exclusion, cases, exclusions, report, score

LEAST_RECALL = 0.95
MOST_FALSE_ALARMS = 0.02
RULES = [rule.id for rule in all_rules()]
needs_cases = pytest.mark.skipif(FOLDER is None, reason="GPUPLANE_POLICY_CASES is not set: no labelled manifests to measure with")


@needs_cases
@pytest.mark.parametrize("rule", [*RULES, "WS-*"])
def test_a_rule_disagrees_with_no_label_that_is_not_judged(rule: str) -> None:
    wrong = [f"{case.path} ({case.native}) is {case.expected}" for case in cases()
             if rule in case.rule.split("|") and not case.agrees and case.exclusion is None]

    assert wrong == []


@needs_cases
def test_all_rules_together_find_what_is_bad_and_leave_alone_what_is_good() -> None:
    whole = score(cases())

    assert whole.bad
    assert whole.good
    assert (whole.recall or 0) >= LEAST_RECALL, report()
    assert (whole.false_alarms or 0) <= MOST_FALSE_ALARMS, report()


@needs_cases
def test_the_pod_security_fixtures_have_neither_a_miss_nor_a_false_alarm() -> None:
    fixtures = [case for case in cases() if case.suite == "psa"]

    assert fixtures
    assert [case.path for case in fixtures if not case.agrees or case.exclusion] == []


@needs_cases
@pytest.mark.parametrize("row", exclusions(), ids=lambda row: f"{row.rule} {row.expected} {row.case}")
def test_an_exclusion_is_still_needed(row: Exclusion) -> None:
    covered = [case for case in cases() if row.covers(case)]

    assert any(not case.agrees for case in covered) or not _exist(row.rule)


def _exist(rule: str) -> bool:
    return set(rule.split("|")) <= set(RULES)


def test_each_exclusion_says_why_and_stands_once() -> None:
    rows = exclusions()

    assert len({(row.suite, row.case, row.rule, row.expected) for row in rows}) == len(rows)
    for row in rows:
        assert row.expected in ("bad", "good"), row
        assert row.judged in ("other", "miss"), row
        assert len(row.reason) > 15, row


@needs_cases
def test_every_readable_case_of_any_rule_is_judged_without_a_defect() -> None:
    files = sorted(path for path in Path(str(FOLDER)).rglob("*.yaml") if path.is_file())
    broken = []
    for file in files:
        views, _ = read_manifests([file])
        for rule in all_rules():
            try:
                list(rule.check(PlannedGraph(views)))
            except Exception as error:
                broken.append((file.name, rule.id, repr(error)))

    assert broken == []
