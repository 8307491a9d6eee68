"""All rules, found by being there, and the one way to run them: findings, exemptions and the verdict."""

from __future__ import annotations

import pkgutil
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies import rules as rules_package
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.own_rules import own_rules, rules_in
from gpuplane.policies.rule import Rule
from gpuplane.spec.exemptions import Exemption
from gpuplane.spec.policies import Policies


@dataclass(frozen=True)
class Judgement:
    """What the rules say about a graph.

    Attributes:
        findings: in the order of reports; waived ones too.
        verdict: fail if any violation blocks, else unknown if anything that cannot be judged does, else pass.
        rules: ids of the rules that ran, sorted.
    """

    findings: tuple[Finding, ...]
    verdict: Verdict
    rules: tuple[str, ...]


Runner = Callable[[Sequence[Rule], PlannedGraph], Sequence[Sequence[Finding]]]
"""Runs rules over a graph; findings by rule, in the order of the rules."""


@cache
def all_rules() -> tuple[Rule, ...]:
    """One instance of every rule below ``policies/rules/``, and of every one of the user's own that is installed, sorted by id.

    Raises:
        ValueError: two rules have the same id, or a file there holds no rule.
    """
    found: dict[str, Rule] = {}
    shipped = [rule for module in pkgutil.walk_packages(rules_package.__path__, f"{rules_package.__name__}.")
               for rule in (_rules_in(module.name) if not module.ispkg else [])]
    for rule in (*shipped, *own_rules()):
        if rule.id in found:
            raise ValueError(f"rule {rule.id} is both {type(found[rule.id]).__module__} and {type(rule).__module__}")
        found[rule.id] = rule
    return tuple(found[key] for key in sorted(found))


def judge(graph: PlannedGraph, exemptions: Sequence[Exemption], as_of: date, rules: Sequence[Rule] | None = None,
          run: Runner | None = None) -> Judgement:
    """Run rules over a graph.

    Args:
        graph: what would be applied.
        exemptions: waived rules; they hold up to and including their last day.
        as_of: the day it is judged at.
        rules: the rules to run; all where it is left out.
        run: runs them, and gives the findings of each; one after the other where it is left out.
    """
    chosen, graph = all_rules() if rules is None else tuple(rules), graph.on(as_of)
    findings = [_exempted(_weighed(finding, graph.parameters), exemptions, as_of, graph.parameters)
                for found in (run or one_by_one)(chosen, graph) for finding in found]
    findings.sort(key=lambda finding: finding.sort_key)
    return Judgement(tuple(findings), _verdict(findings), tuple(sorted(rule.id for rule in chosen)))


def _rules_in(module_name: str) -> list[Rule]:
    rules = rules_in(module_name)
    if not rules:
        raise ValueError(f"{module_name} holds no rule")
    return rules


def one_by_one(rules: Sequence[Rule], graph: PlannedGraph) -> list[list[Finding]]:
    """The findings of each rule."""
    return [_run(rule, graph) for rule in rules]


def _run(rule: Rule, graph: PlannedGraph) -> list[Finding]:
    """A rule's findings; a rule that breaks lets nothing pass."""
    findings: list[Finding] = []
    try:
        findings.extend(rule.check(graph))
    except Exception as error:
        # Not the exception's text: it could hold a value of the object, and that value could be secret.
        place = traceback.extract_tb(error.__traceback__)[-1]
        findings.append(Finding(
            rule=rule.id, severity="critical", verdict=Verdict.UNKNOWN,
            message=f"Rule {rule.id} broke with {type(error).__name__} at {Path(place.filename).name}:{place.lineno}, "
                    "so nothing is proven.",
            remedy="Report the defect with the object that was judged; until then exempt nothing."))
    return findings


def _weighed(finding: Finding, parameters: Policies) -> Finding:
    """The finding, with what the environment says about its rule."""
    if finding.verdict is Verdict.UNKNOWN and finding.rule in parameters.allow_unknown:
        return replace(finding, stops=False)
    return replace(finding, stops=True) if finding.rule in parameters.mandatory else finding


def _exempted(finding: Finding, exemptions: Sequence[Exemption], as_of: date, parameters: Policies) -> Finding:
    matching = sorted((item for item in exemptions if covers(item, finding)), key=lambda item: item.expires)
    valid = [item for item in matching if holds(item, as_of, parameters)]
    if valid:
        last = valid[-1]
        return replace(finding, waived=f"{last.reason} (until {last.expires}, {last.owner}, approved in {last.approval})")
    if matching:
        last = matching[-1]
        why = (f"Its exemption ended on {last.expires}." if date.fromisoformat(last.expires) < as_of else
               f"Its exemption holds for nothing: it ends on {last.expires}, more than {parameters.longest_exemption_days} days from now.")
        return replace(finding, message=f"{finding.message} {why}")
    return finding


def holds(exemption: Exemption, as_of: date, parameters: Policies) -> bool:
    """Whether an exemption counts at a day: it has not ended, and does not end too far ahead."""
    return 0 <= (date.fromisoformat(exemption.expires) - as_of).days <= parameters.longest_exemption_days


def covers(exemption: Exemption, finding: Finding) -> bool:
    """Whether an exemption is about this finding: the same rule and the one object."""
    wanted = exemption.resource
    return (exemption.rule, wanted.kind, wanted.namespace, wanted.name) == (
        finding.rule, finding.kind, finding.namespace, finding.name)


def _verdict(findings: Sequence[Finding]) -> Verdict:
    blocking = {finding.verdict for finding in findings if finding.blocks}
    return next((verdict for verdict in (Verdict.FAIL, Verdict.UNKNOWN) if verdict in blocking), Verdict.PASS)
