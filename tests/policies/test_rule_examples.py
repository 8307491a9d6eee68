"""Every rule's own examples: they are its documentation, so each must do what it says."""

from datetime import date

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.registry import all_rules, judge
from gpuplane.policies.rule import Example, Rule

DAY = date(2026, 11, 21)
RULES = all_rules()
PASSES = [pytest.param(rule, example, id=f"{rule.id}: {example.title}") for rule in RULES for example in rule.PASSES]
FAILS = [pytest.param(rule, example, id=f"{rule.id}: {example.title}") for rule in RULES for example in rule.FAILS]


@pytest.mark.parametrize(("rule", "example"), PASSES)
def test_a_passing_example_has_no_finding(rule: Rule, example: Example) -> None:
    found = judge(PlannedGraph(views_of_text(example.yaml)), (), DAY, [rule])

    assert [finding.message for finding in found.findings] == []


@pytest.mark.parametrize(("rule", "example"), FAILS)
def test_a_failing_example_is_found_and_says_why(rule: Rule, example: Example) -> None:
    found = judge(PlannedGraph(views_of_text(example.yaml)), (), DAY, [rule])

    assert found.findings
    assert any(example.message in finding.message for finding in found.findings), [finding.message for finding in found.findings]
    assert all(finding.file and finding.line and finding.kind for finding in found.findings)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_the_catalogue_of_rules_prints(rule: Rule) -> None:
    assert (type(rule).__doc__ or "").strip()
    assert rule.title
    assert rule.remedy.endswith(".")
    assert rule.references
    assert rule.scope in ("object", "platform")
    assert rule.PASSES
    assert all(example.message for example in rule.FAILS)
