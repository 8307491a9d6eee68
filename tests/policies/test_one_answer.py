"""Every door gives the same answer about the same objects: the gate before apply, `gpuplane check`, and the CrossGuard pack.

The pack leaves out the rules of ``NOT_IN_THE_PACK``, each for a reason; the gate and the check still agree about those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gpuplane.catalog import catalog_of
from gpuplane.components.kubernetes_object import type_token
from gpuplane.delivery.check import check_paths
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.policies import crossguard
from gpuplane.policies.registry import all_rules, judge
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.loader import load_environment
from gpuplane.spec.vocabulary import LabelMap

DAY = date(2026, 11, 21)
_UNWRAPPED = "the SDK hands secrets to the pack in the clear, so it cannot tell a kept secret from a literal"
_LAYERS = "it asks for objects of other layers, and the pack sees one stack"
NOT_IN_THE_PACK: Mapping[str, str] = {
    "PII-13": _UNWRAPPED, "PII-14": _UNWRAPPED, **dict.fromkeys(("CB-05", "WI-06", "WI-08", "WI-09", "WI-10"), _LAYERS)}
"""Rules that the pack does not judge, and why."""
ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [*(("environments", name) for name in ("dev", "local", "prod", "staging")),
           ("docs/examples/06-created-cluster/environments", "aws"), ("docs/examples/07-large-language-models/environments", "llm")]
EXAMPLES = [pytest.param(rule, example, id=f"{rule.id}: {example.title}") for rule in all_rules() for example in (*rule.FAILS, *rule.PASSES)]


@dataclass
class _Handed:
    """What the Pulumi engine hands to a policy pack."""

    resource_type: str
    props: Mapping[str, Any]
    urn: str
    name: str


class _Hidden(Exception):
    """No value of a manifest is hidden."""


def _handed(view: ResourceView) -> ResourceView:
    token = type_token(view.api_version, view.kind) if view.api_version else view.type
    return crossguard.view_of(_Handed(token, view.props, view.urn, view.name), _Hidden)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_the_gate_the_check_and_the_pack_say_the_same(rule: Rule, example: Example, tmp_path: Path) -> None:
    file = tmp_path / "example.yaml"
    file.write_text(example.yaml, encoding="utf-8")
    views = list(views_of_text(example.yaml))

    gate = judge(PlannedGraph(views), (), DAY).findings
    checked = check_paths([file], LabelMap(), (), DAY).findings
    stack = {said for said, _ in crossguard.stack_violations(map(_handed, views), (), DAY)}

    about = [finding for finding in gate if finding.rule == rule.id]
    assert bool(about) == (example in rule.FAILS)
    assert {(finding.rule, finding.verdict, finding.message) for finding in checked} == {
        (finding.rule, finding.verdict, finding.message) for finding in gate}
    in_pack = rule.id not in NOT_IN_THE_PACK and (not rule.context or any(view.kind in rule.context for view in views))
    assert {said for said in stack if said.startswith(f"[{rule.id}]")} == {
        crossguard.sentence(finding) for finding in about if finding.blocks and in_pack}


@pytest.mark.parametrize("rule", [rule for rule in all_rules() if rule.scope == "object"], ids=lambda rule: rule.id)
def test_a_rule_about_one_object_stops_it_while_it_is_applied(rule: Rule) -> None:
    for example in rule.FAILS:
        views = views_of_text(example.yaml)
        alone = [finding for view in views for finding in judge(PlannedGraph([view]), (), DAY, [rule]).findings if finding.blocks]
        said = {sentence for view in views for sentence in crossguard.object_violations(_handed(view), (), DAY)}
        assert alone or rule.id not in NOT_IN_THE_PACK
        assert {crossguard.sentence(finding) for finding in alone if rule.id not in NOT_IN_THE_PACK} == {
            each for each in said if each.startswith(f"[{rule.id}]")}


def test_the_pack_leaves_out_what_it_cannot_see_and_nothing_else() -> None:
    assert set(NOT_IN_THE_PACK) == {rule.id for rule in all_rules() if rule.asks_for_secrecy or rule.across_layers}


@pytest.mark.parametrize(("folder", "name"), SHIPPED)
def test_the_pack_stops_no_layer_of_what_the_gate_lets_go(folder: str, name: str) -> None:
    spec = load_environment(ROOT / folder, name)
    facts = catalog_of(spec)
    views = render(spec, plan(spec, facts, DAY))
    said = [said for layer in spec.layers for said, _ in crossguard.stack_violations(
        [view for view in views if view.layer == layer], spec.exemptions, DAY, facts, spec.environment.spec.policies)]

    assert said == []
