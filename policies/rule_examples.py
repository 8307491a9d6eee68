"""Whether rules do what their examples say: the test of every rule, a user's own included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.registry import judge
from gpuplane.policies.rule import Example, Rule


def broken_examples(rules: Sequence[Rule], as_of: date) -> Iterator[str]:
    """A sentence for each example that says otherwise than its rule, and for each rule that has none."""
    for rule in rules:
        if not rule.PASSES or not rule.FAILS:
            yield f"{rule.id} has no example that {'fails' if rule.PASSES else 'passes'}: nothing shows that it can."
        for example in rule.PASSES:
            for message in _said(rule, example, as_of):
                yield f"{rule.id}: {example.title!r} should pass, and it says: {message}"
        for example in rule.FAILS:
            said = _said(rule, example, as_of)
            if not any(example.message in message for message in said):
                yield f"{rule.id}: {example.title!r} should fail with {example.message!r}, and it says: {'; '.join(said) or 'nothing'}"


def _said(rule: Rule, example: Example, as_of: date) -> list[str]:
    return [finding.message for finding in judge(PlannedGraph(views_of_text(example.yaml)), (), as_of, [rule]).findings]
