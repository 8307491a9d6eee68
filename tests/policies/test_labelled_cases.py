"""Recall and precision on manifests that public policy suites labelled: ``GPUPLANE_POLICY_CASES`` names their folder.

The labels are those suites' own, for their own rules; where a suite judges something else than our rule does,
the difference is listed here by its rule's name, with the reason.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuplane.graph.manifests import read_manifests
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.registry import all_rules
from gpuplane.policies.rule import Rule

FOLDER = os.environ.get("GPUPLANE_POLICY_CASES")
JUDGED = ("WS-01", "WS-20", "TI-01", "RE-08", "PII-05", "PII-13")

BAD_FOR_THEM_ONLY = {
    "other/memory-requests-equal-limits:memory-requests-equal-limits": "demands equal requests and limits",
    "missingNetworkPolicy": "takes a policy of type Egress without rules for none at all; the API denies all egress then",
    "rule-secrets-in-env-var": "wants Secrets as files; a reference to one is no literal",
    "set-gmsacredentialspecname-value": "a name of credentials, not credentials",
    "rule-credentials-in-env-var": "takes the word JWT and any text with _key_ in it for a secret",
    "general/uniqueserviceselector": "wants each selector only once; compares with Services that are no part of the case",
}
GOOD_FOR_THEM_ONLY = {
    "cpuLimitsMissing": "looks at CPU limits alone",
    "cpuRequestsMissing": "looks at CPU requests alone",
    "memoryLimitsMissing": "looks at memory limits alone",
    "other/require-cpu-limits:check-cpu-limits": "looks at CPU limits alone",
    "other/enforce-resources-as-ratio:check-memory-requests-limits": "looks at memory alone",
    "resources-sandbox-cpu-limits": "looks at CPU limits alone",
}

pytestmark = pytest.mark.skipif(FOLDER is None, reason="GPUPLANE_POLICY_CASES is not set: no labelled manifests to measure with")


def _cases() -> Iterator[dict[str, str]]:
    if FOLDER is not None:
        with (Path(FOLDER) / "cases.tsv").open(encoding="utf-8", newline="") as table:
            yield from (row for row in csv.DictReader(table, delimiter="\t") if row["catalogue_rule"] in JUDGED)


CASES = [pytest.param(row, id=row["path"]) for row in _cases()]
RULES: dict[str, Rule] = {rule.id: rule for rule in all_rules()}


def _found(row: dict[str, str]) -> list[str]:
    views, errors = read_manifests([Path(str(FOLDER)) / row["path"]])
    assert errors == []
    return [finding.message for finding in RULES[row["catalogue_rule"]].check(PlannedGraph(views))]


@pytest.mark.parametrize("row", CASES)
def test_a_labelled_case_is_judged_as_its_suite_judges_it(row: dict[str, str]) -> None:
    found = _found(row)

    if row["expected"] == "bad":
        assert found or row["native_rule"] in BAD_FOR_THEM_ONLY
    else:
        assert not found or row["native_rule"] in GOOD_FOR_THEM_ONLY


def test_the_folder_has_cases_of_each_rule() -> None:
    assert {row["catalogue_rule"] for row in _cases()} == set(JUDGED)


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
