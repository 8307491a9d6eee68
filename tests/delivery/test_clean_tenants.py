"""Texts are not read again where nothing was found in the same ones before, by the same rules; and in no other case."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from benchmarks.wishes import NAME, write_large_environment
from gpuplane.delivery import clean_tenants
from gpuplane.delivery.clean_tenants import CleanTenants
from gpuplane.delivery.preview import preview
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.text_leaves import Leaf, leaves
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.registry import all_rules
from gpuplane.policies.rules.privacy.secret_literals import SecretLiterals
from gpuplane.spec.loader import load_environment
from gpuplane.spec.policies import DEFAULT
from tests.delivery.files import edit

AS_OF = date(2026, 11, 21)


@pytest.fixture
def renders() -> TenantRenders:
    """Two tenants with a resource each, and a provider that both have."""
    found, provider = TenantRenders(), {"kubeconfig": "x"}
    found.latest = {digest * 64: (
        ResourceView(f"urn:{digest}", "kubernetes:core/v1:ConfigMap", "v1", "ConfigMap", digest, digest, {"data": {"a": digest}}),
        ResourceView("urn:provider", "pulumi:providers:kubernetes", props=dict(provider))) for digest in "ab"}
    return found


def judged(renders: TenantRenders) -> tuple[ResourceView, ...]:
    """What a preview would judge: each URN once."""
    return tuple({view.urn: view for views in renders.latest.values() for view in views}.values())


def silent(folder: Path, renders: TenantRenders) -> set[str]:
    """URNs that need not be read."""
    ids = CleanTenants(folder).silent(renders, DEFAULT)
    return {view.urn for view in judged(renders) if id(view.props) in ids}


def finding(urn: str, rule: str = "PII-13") -> Finding:
    return Finding(rule=rule, severity="critical", verdict=Verdict.FAIL, message="", remedy="", urn=urn, waived="until 2099")


def test_what_was_judged_and_found_clean_is_silent_and_providers_never_are(tmp_path: Path, renders: TenantRenders) -> None:
    assert silent(tmp_path, renders) == set()
    CleanTenants(tmp_path).learn(renders, judged(renders), DEFAULT, [finding("urn:b"), finding("urn:a", "TI-22")])
    assert silent(tmp_path, renders) == {"urn:a"}


@pytest.mark.parametrize("said", ["", "urn:a"])
def test_nothing_is_learned_of_a_rule_that_broke_or_of_what_was_not_judged(tmp_path: Path, renders: TenantRenders, said: str) -> None:
    others = [view for view in judged(renders) if view.urn == "urn:provider"]
    CleanTenants(tmp_path).learn(renders, tuple(others) if said else judged(renders), DEFAULT, [finding("")] if not said else [])
    assert silent(tmp_path, renders) == set()


def test_a_language_model_and_a_rule_of_ones_own_read_everything(tmp_path: Path, renders: TenantRenders, monkeypatch: pytest.MonkeyPatch) -> None:
    CleanTenants(tmp_path).learn(renders, judged(renders), DEFAULT, [])
    assert silent(tmp_path, renders) == {"urn:a", "urn:b"}
    assert not CleanTenants(tmp_path).silent(renders, DEFAULT.model_copy(update={"language_model": "en_core_web_lg"}))

    class Own(SecretLiterals):
        id = "XA-01"

    monkeypatch.setattr(clean_tenants, "all_rules", lambda: (*all_rules(), Own()))
    assert silent(tmp_path, renders) == set()
    CleanTenants(tmp_path / "other").learn(renders, judged(renders), DEFAULT, [])
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"a" * 63 + b"\n", b"garbage"])
def test_what_is_damaged_matches_nothing(tmp_path: Path, renders: TenantRenders, damage: bytes) -> None:
    CleanTenants(tmp_path).learn(renders, judged(renders), DEFAULT, [])
    file, = tmp_path.iterdir()
    file.write_bytes(damage)
    assert silent(tmp_path, renders) == set()


def test_a_silent_resource_is_not_read_and_all_others_are() -> None:
    views = [ResourceView(f"urn:{name}", "", "v1", "ConfigMap", "n", name, {"data": {"x": "y"}}) for name in "ab"]
    graph = PlannedGraph(views, silent=frozenset({id(views[0].props)}))
    assert [view.name for view, _ in graph.texts] == ["b"]
    assert [view.name for view, _ in PlannedGraph([replace(views[0], props=dict(views[0].props))]).texts] == ["a"]


def test_a_preview_reads_the_texts_of_what_changed_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environments, read = tmp_path / "environments", list[str]()
    root = write_large_environment(environments, 3, 1)

    def noted(view: ResourceView) -> list[Leaf]:
        read.append(view.urn)
        return leaves(view)

    monkeypatch.setattr("gpuplane.graph.planned_graph.leaves", noted)

    def changed() -> set[str]:
        read.clear()
        renders = TenantRenders(tmp_path / "renders.sqlite")
        preview(load_environment(environments, NAME), AS_OF, renders=renders, clean=CleanTenants(tmp_path / "clean"))
        return {name for name in ("team-00000", "team-00001", "team-00002") if any(f"::{name}" in urn for urn in read)}

    assert changed() == {"team-00000", "team-00001", "team-00002"}
    assert changed() == set()
    edit(root / "tenants/team-00001.yaml", "cost_center: cc-", "cost_center: other-")
    assert changed() == {"team-00001"}
    edit(root / "tenants/team-00001.yaml", "cost_center: other-1", "cost_center: 4111-1111-1111-1111")
    assert changed() == {"team-00001"}
    assert changed() == {"team-00001"}, "what is not clean is read each time"
