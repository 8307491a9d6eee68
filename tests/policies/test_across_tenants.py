"""What rules look at (``Rule.sight``).

One that looks at no other tenant says of a tenant the same without the others, and of what is no tenant's no more with more of them. One that
looks at outlines says the same of outlines as of everything.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from benchmarks.wishes import NAME, write_large_environment
from gpuplane.catalog import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.outlines import outlined
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.tenancy import owner
from gpuplane.planning import plan
from gpuplane.policies.finding import Finding
from gpuplane.policies.registry import all_rules, one_by_one
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.loader import load_environment

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 21)
NEAR = tuple(rule for rule in all_rules() if rule.sight == "tenant")
WIDE = tuple(rule for rule in all_rules() if rule.sight == "outlines")
EXAMPLES = tuple((rule, example) for rule in all_rules() for example in (*rule.FAILS, *rule.PASSES))


def said(rule: Rule, graph: PlannedGraph) -> set[Finding]:
    return set(one_by_one([rule], graph)[0])


def agrees(whole: PlannedGraph, owners: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each rule that says of a tenant alone what it does not say of all, or the other way round.

    Args:
        whole: all objects.
        owners: the tenant of each object that has one, by URN.
    """
    alone = {tenant: whole.of_some(view for view in whole.resources if owners.get(view.urn, tenant) == tenant)
             for tenant in sorted(set(owners.values()))}
    for rule in NEAR:
        found = said(rule, whole)
        for tenant, graph in alone.items():
            there = said(rule, graph)
            own = {each for each in found if owners.get(each.urn) == tenant}
            if own != {each for each in there if each.urn in owners}:
                yield f"{rule.id} of tenant {tenant}: {own ^ {each for each in there if each.urn in owners}}"
            if not {each for each in found if each.urn not in owners} <= there:
                yield f"{rule.id} of no tenant: {found - there}"


def misses_more(whole: PlannedGraph) -> Iterator[str]:
    """A sentence for each rule that looks at outlines and says something else of everything."""
    bare = whole.of_some(seen for view in whole.resources if (seen := outlined(view)) is not None)
    for rule in WIDE:
        if said(rule, whole) != said(rule, bare):
            yield f"{rule.id}: {said(rule, whole) ^ said(rule, bare)}"


def owned(views: list[ResourceView]) -> tuple[PlannedGraph, dict[str, str]]:
    """Objects that each have a URN of their own, and whose each is by its own word or its namespace's."""
    graph = PlannedGraph([replace(view, urn=f"urn:{number}") for number, view in enumerate(views)]).on(DAY)
    return graph, {view.urn: tenant for view in graph.resources if (tenant := owner(graph, view))}


@cache
def names(example: Example) -> frozenset[str]:
    """Namespaces and tenants of an example."""
    graph, owners = owned(list(views_of_text(example.yaml)))
    return frozenset({*owners.values(), *graph.namespaces, *(view.namespace for view in graph.resources if view.namespace)})


def renamed(example: Example) -> str:
    """An example of other namespaces and tenants."""
    text = example.yaml
    for name in sorted(names(example), key=lambda name: (-len(name), name)):
        text = re.sub(rf"\b{re.escape(name)}\b", f"zz{name}", text)
    return text


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_of_each_example_and_of_two_at_once(rule: Rule) -> None:
    chance = random.Random(rule.id)
    for example in (*rule.FAILS, *rule.PASSES):
        whole, owners = owned(list(views_of_text(example.yaml)))
        assert not [*agrees(whole, owners), *misses_more(whole)]
        for _, other in chance.sample(EXAMPLES, 2):
            whole, owners = owned([*views_of_text(example.yaml), *views_of_text(renamed(other))])
            assert not [*agrees(whole, owners), *misses_more(whole)], (example.title, other.title)


@pytest.mark.parametrize(("folder", "name"), [
    *((file.parents[1], file.parent.name) for file in sorted([*ROOT.glob("environments/*/environment.yaml"),
                                                              *ROOT.glob("docs/examples/*/environments/*/environment.yaml")])),
    (None, NAME)], ids=str)
@pytest.mark.parametrize("left_out", [(), ("NetworkPolicy", "ResourceQuota", "PodDisruptionBudget", "LimitRange"), ("PodMonitor", "ServingRuntime")])
def test_of_whole_environments_and_of_what_is_left_of_them(tmp_path: Path, folder: Path | None, name: str, left_out: tuple[str, ...]) -> None:
    if folder is None:
        write_large_environment(folder := tmp_path, 3, 2)
    spec = load_environment(folder, name)
    planned = plan(spec, catalog := catalog_of(spec), DAY)
    views = [view for view in render(spec, planned) if view.kind not in left_out]
    owners = {view.urn: owned_by for view in views if view.layer == "tenants"
              for owned_by in (view.namespace, view.name) if owned_by in spec.tenants}
    graph = PlannedGraph(views, catalog=catalog, parameters=spec.environment.spec.policies).on(DAY)
    assert owners
    assert not [*agrees(graph, owners), *misses_more(graph)]


def test_a_rule_that_compares_tenants_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.policies.test_across_tenants.NEAR", all_rules())
    monkeypatch.setattr("tests.policies.test_across_tenants.WIDE", all_rules())
    wrong = {sentence.split()[0] for rule in all_rules() for example in rule.FAILS
             for sentence in agrees(*owned(list(views_of_text(example.yaml))))}
    assert wrong >= {"TI-02", "TI-11", "TI-12", "TI-13", "TI-15", "TI-19", "TI-22"}
    blind = {sentence.partition(":")[0] for rule in all_rules() for example in rule.FAILS
             for sentence in misses_more(owned(list(views_of_text(example.yaml)))[0])}
    assert blind >= {"QF-03", "RE-02", "WI-08"}, "they look at leaves, and say that they look at no other tenant"


def test_every_shipped_rule_says_what_it_looks_at() -> None:
    assert [rule.id for rule in all_rules() if rule.sight == "everything"] == []
