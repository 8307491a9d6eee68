"""Rules are not asked again about tenants that are what they were; and a preview says the same with what is kept and without."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from benchmarks.wishes import NAME, write_large_environment
from gpuplane.delivery import kept_findings
from gpuplane.delivery.kept_findings import KeptFindings, TenantFindings, owners_of
from gpuplane.delivery.preview import preview
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.text_leaves import Leaf, leaves
from gpuplane.policies.finding import Finding
from gpuplane.policies.registry import all_rules, one_by_one
from gpuplane.policies.rule import Rule
from gpuplane.spec.loader import load_environment
from gpuplane.spec.policies import DEFAULT, Policies
from tests.delivery.files import edit

AS_OF = date(2026, 11, 21)


def config_map(urn: str, namespace: str, **data: str) -> ResourceView:
    return ResourceView(f"urn:{urn}", "kubernetes:core/v1:ConfigMap", "v1", "ConfigMap", namespace, urn, {"data": data}, file=f"{urn}.yaml", line=3)


class Loud(Rule):
    """A rule that finds every object that says so."""

    id, title, severity, remedy, references, scope = "XA-01", "nothing is bad", "high", "Do not.", ("x",), "object"
    PASSES = FAILS = ()
    asked: list[str]

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        self.asked = [view.name for view in graph.resources]
        for view in graph.resources:
            if view.get("data", "bad"):
                yield self.fail(graph, view, f"{view} is bad.", "data.bad")


class Everywhere(Loud):
    """The same, as a rule that looks across tenants."""

    id, scope = "XA-02", "platform"


Renders = dict[str, tuple[ResourceView, ...]]
"""Rendered tenants by digest."""


@pytest.fixture
def renders() -> Renders:
    """Two tenants with a resource each, one of them bad, and a provider that both have."""
    return {digest * 64: (config_map(digest, digest, **({"bad": "yes"} if digest == "b" else {})),
                          ResourceView("urn:provider", "pulumi:providers:kubernetes", name="provider", props={"kubeconfig": "x"}))
            for digest in "ab"}


@dataclass
class Everything:
    """What rules are shown where all is read: the whole, and what is near."""

    whole: PlannedGraph
    known: TenantFindings

    @property
    def wide(self) -> PlannedGraph:
        return self.whole

    @property
    def near(self) -> PlannedGraph:
        return self.whole.of_some(view for view in self.whole.resources if self.known.owner(view.urn) not in self.known.known)

    def view(self, urn: str) -> ResourceView:
        return next(view for view in self.whole.resources if view.urn == urn)


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_findings, "_SHIPPED", "")


def judged(renders: Renders, *platform: ResourceView, parameters: Policies = DEFAULT) -> PlannedGraph:
    """What a preview would judge: each URN once."""
    views = (*platform, *{view.urn: view for views in renders.values() for view in views}.values())
    return PlannedGraph(views, parameters=parameters).on(AS_OF)


def known_of(folder: Path, renders: Renders, whole: PlannedGraph, as_of: date = AS_OF) -> TenantFindings:
    owners = owners_of({digest: [view.urn for view in views] for digest, views in renders.items()})
    rest = tuple(view for view in whole.resources if view.urn not in owners)
    return KeptFindings(folder).of(owners, renders, rest, as_of)


def run(folder: Path, renders: Renders, rules: Sequence[Rule], *platform: ResourceView, as_of: date = AS_OF,
        left_out: Collection[str] = ()) -> list[list[Finding]]:
    """A preview's judging: what each rule says, which is what it says of everything."""
    whole = judged(renders, *platform)
    known = known_of(folder, renders, whole, as_of)
    shown = Everything(whole, known)
    found = known.judged(rules, shown)
    assert [set(each) for each in found] == [set(each) for each in one_by_one([type(rule)() for rule in rules], whole)]
    known.learn(rules, found, shown, left_out)
    KeptFindings(folder).put(known)
    return [list(each) for each in found]


def test_a_rule_is_asked_about_what_is_new_and_of_no_tenant_and_says_what_it_said(tmp_path: Path, renders: Renders) -> None:
    rules = [Loud(), Everywhere()]
    first = run(tmp_path, renders, rules, config_map("p", "platform"))
    assert [rule.asked for rule in rules] == [["p", "a", "provider", "b"]] * 2
    assert run(tmp_path, renders, rules, config_map("p", "platform")) == first, "and nothing more"
    assert [rule.asked for rule in rules] == [["p", "a", "provider"], ["p", "a", "provider", "b"]], "one of what is known, too"
    renders["c" * 64] = (config_map("c", "c", bad="too"),)
    assert len(run(tmp_path, renders, rules, config_map("p", "platform"))[0]) == 2
    assert rules[0].asked == ["p", "provider", "c"]


@pytest.mark.parametrize("other", ["platform", "day", "a tenant's digest"])
def test_nothing_is_known_where_anything_else_that_it_follows_from_is_another(tmp_path: Path, renders: Renders, other: str) -> None:
    rule = Loud()
    run(tmp_path, renders, [rule], config_map("p", "platform"))
    if other == "a tenant's digest":
        renders["c" * 64] = renders.pop("a" * 64)
    run(tmp_path, renders, [rule], config_map("p", "platform", **({"x": "y"} if other == "platform" else {})),
        as_of=date(2026, 11, 22) if other == "day" else AS_OF)
    assert "a" in rule.asked


def test_a_rule_that_says_something_of_no_tenants_is_asked_about_everything(tmp_path: Path, renders: Renders) -> None:
    rule, bad = Loud(), config_map("p", "platform", bad="yes")
    for _ in range(3):
        assert len(run(tmp_path, renders, [rule], bad)[0]) == 2
        assert rule.asked == ["p", "a", "provider", "b"]


def test_nothing_is_learned_where_a_rule_broke(tmp_path: Path, renders: Renders) -> None:
    class Broken(Loud):
        """A rule that breaks."""

        def check(self, graph: PlannedGraph) -> Iterator[Finding]:
            raise RuntimeError("x")

    run(tmp_path, renders, [Broken()])
    assert list(tmp_path.iterdir()) == []


def test_a_rule_of_ones_own_and_a_language_model_are_asked_about_everything(
        tmp_path: Path, renders: Renders, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Loud()
    run(tmp_path, renders, [rule])
    reading = judged(renders, parameters=DEFAULT.model_copy(update={"language_model": "en_core_web_lg"}))
    known = known_of(tmp_path, renders, reading)
    assert known.known
    known.judged([rule], Everything(reading, known))
    assert rule.asked == ["a", "provider", "b"]
    monkeypatch.setattr(kept_findings, "_SHIPPED", "gpuplane.policies.rules.")
    run(tmp_path, renders, [rule])
    assert rule.asked == ["a", "provider", "b"]


@pytest.mark.parametrize("damage", ["", "garbage", "[]", '{"tenants": {}}', '{"loud": [], "tenants": {"%s": [{"rule": "XA-01"}]}}' % ("b" * 64),
                                    "another's"])
def test_what_is_damaged_is_as_good_as_none(tmp_path: Path, renders: Renders, damage: str) -> None:
    rule = Loud()
    run(tmp_path, renders, [rule])
    file, = tmp_path.iterdir()
    if damage == "another's":
        kept = json.loads(file.read_text())
        kept["tenants"]["a" * 64] = kept["tenants"]["b" * 64]
        damage = json.dumps(kept)
    file.write_text(damage)
    run(tmp_path, renders, [rule])
    assert "a" in rule.asked


def test_few_files_are_kept_and_where_none_can_be_nothing_is_said(tmp_path: Path, renders: Renders) -> None:
    for number in range(10):
        run(tmp_path / "kept", renders, [Loud()], config_map("p", "platform", number=str(number)))
    assert len(list((tmp_path / "kept").iterdir())) == 8
    (tmp_path / "file").write_text("")
    run(tmp_path / "file", renders, [Loud()])


def test_a_view_of_another_place_says_the_new_place(tmp_path: Path, renders: Renders) -> None:
    run(tmp_path, renders, [Loud()])
    moved = {digest: tuple(replace(view, line=view.line + 4) for view in views) for digest, views in renders.items()}
    (finding,), = run(tmp_path, moved, [Loud()])
    assert finding.line == 7


def test_what_several_tenants_have_is_none_of_theirs() -> None:
    assert owners_of({"a": ["urn:a", "urn:provider"], "b": ["urn:b", "urn:provider"]}) == {"urn:a": "a", "urn:b": "b"}


def test_of_a_tenant_with_a_literal_in_its_documents_nothing_is_learned(tmp_path: Path, renders: Renders) -> None:
    rule = Loud()
    for _ in range(2):
        run(tmp_path, renders, [rule], left_out={"a" * 64})
    assert rule.asked == ["a", "provider"]


def test_a_preview_reads_the_texts_of_what_changed_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    environments, read = tmp_path / "environments", list[str]()
    root = write_large_environment(environments, 3, 1)

    def noted(view: ResourceView) -> list[Leaf]:
        read.append(view.urn)
        return leaves(view)

    monkeypatch.setattr("gpuplane.graph.planned_graph.leaves", noted)

    def changed() -> set[str]:
        read.clear()
        renders = TenantRenders(tmp_path / "renders.sqlite")
        preview(load_environment(environments, NAME), AS_OF, renders=renders, kept=KeptFindings(tmp_path / "findings"))
        return {name for name in ("team-00000", "team-00001", "team-00002") if any(f"::{name}" in urn for urn in read)}

    assert changed() == {"team-00000", "team-00001", "team-00002"}
    assert len(changed()) == 1, "one that is known stands for all that what is of no tenant may look for"
    edit(root / "tenants/team-00001.yaml", "cost_center: cc-", "cost_center: other-")
    assert changed() == {"team-00001"}
    edit(root / "tenants/team-00001.yaml", "cost_center: other-1", "cost_center: 4111-1111-1111-1111")
    assert changed() == {"team-00001"}
    assert changed() == {"team-00001"}, "what is not clean is read each time"
    kept = "".join(file.read_text() for file in (tmp_path / "findings").iterdir())
    assert "4111" not in kept
    assert {rule.id for rule in all_rules() if rule.scope == "platform" and rule.sight == "tenant"} >= {"CB-01", "PII-06"}


def test_a_rule_of_ones_own_may_name_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nowhere(Loud):
        """A rule that finds something that nobody wished for."""

        def check(self, graph: PlannedGraph) -> Iterator[Finding]:
            yield replace(self.fail(graph, graph.resources[0], "It is missing."), urn="urn:nowhere")

    write_large_environment(tmp_path / "environments", 1, 1)
    monkeypatch.setattr("gpuplane.delivery.preview.all_rules", lambda: (Nowhere(),))
    for files in (True, False):
        renders, kept = TenantRenders(tmp_path / "renders.sqlite"), KeptFindings(tmp_path / "findings")
        report = preview(load_environment(tmp_path / "environments", NAME), AS_OF, renders=renders, kept=kept, files=files)
        assert "urn:nowhere" in {each.urn for each in report.findings}
