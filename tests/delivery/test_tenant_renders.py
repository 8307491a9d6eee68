"""A tenant is rendered once: what is shared is what the whole program would register, and nothing that changed is shared."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from benchmarks.wishes import NAME, write_large_environment, write_tenant
from gpuplane.catalog import catalog_of
from gpuplane.delivery.comparison import OtherSide
from gpuplane.delivery.offline_engine import render
from gpuplane.delivery.own_inputs import OwnInputs
from gpuplane.delivery.packed_views import packed, unpacked
from gpuplane.delivery.preview import preview
from gpuplane.delivery.render_json import json_report
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import environment_names, load_environment
from gpuplane.spec.own import NotOwnError, Own
from tests.delivery.files import edit

ROOT = Path(__file__).parents[2]
AS_OF = date(2026, 11, 21)
FOLDERS = [ROOT / "environments", *sorted(ROOT.glob("docs/examples/*/environments"))]
ENVIRONMENTS = [(folder, name) for folder in FOLDERS for name in environment_names(folder)]


def planned(environments: Path, name: str) -> tuple[EnvironmentSpec, EnvironmentPlan]:
    spec = load_environment(environments, name)
    return spec, plan(spec, catalog_of(spec), AS_OF)


@pytest.mark.parametrize(("folder", "name"), ENVIRONMENTS, ids=[f"{folder.parent.name}-{name}" for folder, name in ENVIRONMENTS])
def test_tenant_by_tenant_gives_what_the_whole_program_gives(folder: Path, name: str) -> None:
    spec, its_plan = planned(folder, name)
    renders = TenantRenders()

    assert render(spec, its_plan, renders=renders) == render(spec, its_plan)
    assert renders.rendered == len(spec.tenants)  # no tenant asked for what is not its own


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Six tenants."""
    write_large_environment(tmp_path / "environments", 6, 1)
    return tmp_path / "environments"


def rendered_again(environments: Path, renders: TenantRenders) -> int:
    """How many tenants have to be rendered after a change."""
    before = renders.rendered
    spec, its_plan = planned(environments, NAME)
    assert render(spec, its_plan, renders=renders) == render(spec, its_plan)
    return renders.rendered - before


def test_a_change_of_one_tenant_renders_one_and_of_anything_else_all(large: Path) -> None:
    renders = TenantRenders()
    environment = large / NAME

    assert rendered_again(large, renders) == 6
    assert rendered_again(large, renders) == 0
    write_tenant(environment, 3, 1, cpu=1)
    assert rendered_again(large, renders) == 1
    edit(environment / "environment.yaml", "budget_usd_per_month: 999999999", "budget_usd_per_month: 999999998")
    assert rendered_again(large, renders) == 6
    edit(environment / "node-pools/l40s.yaml", "memory_gib_per_node: 768", "memory_gib_per_node: 760")
    assert rendered_again(large, renders) == 6
    (large / "catalog.yaml").write_text("apiVersion: gpuplane/v1\nkind: Catalog\nmetadata:\n  name: catalog\nspec: {}\n")
    assert rendered_again(large, renders) == 6


def test_the_next_run_reads_what_this_one_wrote_and_a_broken_file_is_as_good_as_none(large: Path, tmp_path: Path) -> None:
    file = tmp_path / "cache" / "renders.sqlite"
    assert rendered_again(large, TenantRenders(file)) == 6
    assert rendered_again(large, TenantRenders(file)) == 0
    file.write_bytes(b"no database")
    assert rendered_again(large, TenantRenders(file)) == 6


def test_whatever_follows_from_other_tenants_is_rendered_as_a_whole(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpuplane.stacks import tenants

    spec, its_plan = planned(large, NAME)
    whole = render(spec, its_plan)
    honest = tenants.register_graphs

    def curious(spec: EnvironmentSpec, name: str, options: object) -> None:
        assert sum(1 for _ in spec.tenants) == 6
        honest(spec, name, options)  # type: ignore[arg-type]

    monkeypatch.setattr(tenants, "register_graphs", curious)
    renders = TenantRenders()

    assert render(spec, its_plan, renders=renders) == whole
    assert renders.rendered == 0


@pytest.mark.parametrize("name", ["money", "as_of", "refusals", "idle_usd_per_month"])
def test_a_tenant_sees_nothing_of_the_plan_that_is_of_all(large: Path, name: str) -> None:
    spec, its_plan = planned(large, NAME)
    own, cut = OwnInputs(spec, its_plan).of("team-00001")

    with pytest.raises(NotOwnError):
        getattr(cut, name)
    with pytest.raises(NotOwnError):
        _ = own.tenants["team-00002"]
    with pytest.raises(NotOwnError):
        _ = cut.pools["l40s"].committed_nodes
    assert cut.pools["l40s"].capacity == its_plan.pools["l40s"].capacity
    assert own.services_of("team-00001") == spec.services_of("team-00001")


def test_own_mappings_answer_for_their_tenant_alone() -> None:
    own = Own("acme", {"acme/chat": 1})

    assert (own["acme/chat"], own.get("acme/other"), "acme/other" in own) == (1, None, False)
    for asked in (lambda: own["beta/chat"], lambda: own.get("beta"), lambda: list(own), lambda: len(own), lambda: "beta" in own):
        with pytest.raises(NotOwnError):
            asked()


def test_views_come_back_from_disk_as_they_were() -> None:
    view = ResourceView("urn:a", "t", "v1", "ConfigMap", "n", "a", {"data": {"x": [1, 2.5, None, True, Unknown("urn:b", "c")], "é": "\u2028"}},
                        "urn:p", "tenants", True, True, ("urn:b",))

    assert unpacked(packed((view,))) == (view,)


def test_the_comparison_that_shares_says_what_two_programs_say(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same folder compared by this program alone, and through the other side's own process."""
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments], cwd=large, check=True, capture_output=True)

    git("init")
    git("add", "-A")
    git("commit", "-m", "before")
    write_tenant(large / NAME, 3, 1, cpu=1)
    shutil.rmtree(large / NAME / "services" / "team-00004")
    (large / NAME / "tenants" / "team-00004.yaml").unlink()
    spec, renders = load_environment(large, NAME), TenantRenders()
    report = preview(spec, AS_OF, renders=renders)
    found = []
    for shares in (True, False):
        with OtherSide(large, NAME, "HEAD", AS_OF) as other:
            if not shares:
                from gpuplane.delivery import comparison

                other._shares = False
                other._checking_out()
                monkeypatch.setenv("PYTHONPATH", str(ROOT))
                other._child = comparison._child(Path(other._folder.name), Path(), NAME, AS_OF, "preview")
            found.append(json_report(replace(report, comparison=other.compared_with(report, renders))))

    assert found[0]["changes"]
    assert found[0]["impact"] is not None
    assert found[0] == found[1]
