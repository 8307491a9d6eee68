"""What a plan refuses renders or is said before: no chart that an environment can name, at whatever version, gets as far as its release."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from gpuplane.catalog.charts import chart_versions
from gpuplane.catalog.engines import version_number
from gpuplane.catalog.overlay import catalog_of
from gpuplane.cli import cli
from gpuplane.delivery.offline_engine import render
from gpuplane.delivery.preview import preview
from gpuplane.delivery.renderable import require_renderable
from gpuplane.planning import chart_rules, plan
from gpuplane.planning.chart_rules import BESIDE, CHARTS, LLM_CHARTS, LOCAL_MODEL_CHARTS
from gpuplane.policies.finding import Verdict
from gpuplane.spec.errors import InvalidSpec, SpecError
from tests.planning import test_compatibility_lock, test_refusals
from tests.planning.traffic_wish import reached
from tests.planning.wish import AS_OF, EXISTING, Wish, valid
from tests.stacks.llm_shapes import llm_wish

UNKNOWN = "99.0.0"
MORE: dict[str, dict[str, Any]] = {"volcano": {"pools": ["spare"]}}


def _put(wish: Wish, block: str, version: str, **more: Any) -> Wish:
    if block == "volcano":
        wish.pool("spare", "L4-24GB", existing_nodes={**EXISTING, "gpus_per_node": 1})
    install = {} if block == "gpu_operator" else {"install": "release"}
    return wish.put(f"environment spec.{block}", {**install, "version": version, **MORE.get(block, {}), **more})


def _wish(block: str) -> Wish:
    return reached() if block.startswith("gateway.") else valid()


def _errors(wish: Wish) -> tuple[SpecError, ...]:
    with pytest.raises(InvalidSpec) as raised:
        preview(wish.spec(), AS_OF)
    return raised.value.errors


@pytest.mark.parametrize(("block", "version"), [(block, version) for block in CHARTS for version in (UNKNOWN, f"v{UNKNOWN}", "0.0", "v0.1.0-rc.1")])
def test_a_version_that_is_not_known_is_refused_where_it_is_written(block: str, version: str) -> None:
    error, = _errors(_put(_wish(block), block, version))

    assert (Path(error.file).name, error.path, error.line > 0) == ("environment.yaml", f"spec.{block}.version", True)
    assert version in error.message
    assert set(chart_versions(CHARTS[block])) <= set(error.remedy.replace(";", ",").replace("one of: ", ", ").split(", "))


@pytest.mark.parametrize("block", CHARTS)
def test_each_version_that_is_offered_can_be_rendered(block: str) -> None:
    offered = str(_errors(_put(_wish(block), block, UNKNOWN))[0].remedy).removeprefix("Choose one of: ").partition(";")[0].split(", ")
    for version in offered:
        spec = _put(_wish(block), block, version).spec()
        assert any(view.props.get("version") == version for view in render(spec, plan(spec, catalog_of(spec), AS_OF)))


def test_all_that_are_not_known_are_said_at_once() -> None:
    wish = reached()
    for block in CHARTS:
        _put(wish, block, UNKNOWN)

    assert sorted(error.path for error in _errors(wish)) == sorted(f"spec.{block}.version" for block in CHARTS)


@pytest.mark.parametrize("block", [block for block in CHARTS if block != "gpu_operator"])
def test_a_version_of_what_is_there_already_may_be_any(block: str) -> None:
    require_renderable(_put(_wish(block), block, f"v{UNKNOWN}", install="external").spec())


def test_every_chart_of_the_catalogue_is_one_that_is_asked_for() -> None:
    there_are = {yaml.safe_load(file.read_text())["chart"] for file in (files("gpuplane.catalog") / "data" / "charts").iterdir()}
    asked = {*CHARTS.values(), *(name for names in BESIDE.values() for name in names), *LLM_CHARTS, *LOCAL_MODEL_CHARTS}

    assert asked == there_are


def test_charts_that_come_with_kserve_are_asked_for_where_they_are_needed(tmp_path: Path) -> None:
    cached = _put(valid(), "kserve", "v0.19.0").put("node-pools/h100 spec.model_cache", {"disk_gib": 100})
    errors = _errors(cached)
    assert [error.path for error in errors] == ["spec.kserve.version"] * 2
    assert errors[0].message.startswith("pools with model_cache need chart kserve-localmodel-crd, and what values its version v0.19.0 takes")
    assert {error.remedy for error in errors} == {"Choose one of: v0.20.0."}

    spec = llm_wish(tmp_path, "tensor").change("environment.yaml", "kserve: {install: external, version: v0.20.0}",
                                               "kserve: {install: release, version: v0.19.0}").load()
    with pytest.raises(InvalidSpec, match=r"LLMInferenceServices need chart kserve-llmisvc-crd.*Choose one of: v0\.20\.0\.") as raised:
        preview(spec, AS_OF)
    assert len(raised.value.errors) == len(LLM_CHARTS)


@pytest.mark.parametrize(("block", "beside"), [(block, name) for block, names in BESIDE.items() for name in names])
def test_a_chart_that_always_comes_along_is_asked_for(block: str, beside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nearest = chart_rules.nearest_chart
    monkeypatch.setattr(chart_rules, "nearest_chart", lambda name, version: None if name == beside else nearest(name, version))
    error, = _errors(_put(_wish(block), block, chart_versions(CHARTS[block])[-1]))

    assert (error.path, f"needs chart {beside}" in error.message) == (f"spec.{block}.version", True)


@pytest.mark.parametrize("values", [{"manageJobsWithoutQueueNam": True}, {"enablePrometheus": True}, {"controllerManager": 3}])
def test_values_that_a_chart_does_not_take_are_said_as_well(values: dict[str, Any]) -> None:
    error, = _errors(_put(valid(), "kueue", "0.19.2", values=values))

    assert error.path == f"spec.kueue.values.{next(iter(values))}"


@pytest.mark.parametrize("name", [*test_refusals.BAD, *test_compatibility_lock.BAD])
def test_whatever_a_plan_refuses_it_is_no_defect(name: str) -> None:
    change = (test_refusals.BAD.get(name) or test_compatibility_lock.BAD[name])[0]
    spec = change(valid()).spec()
    try:
        require_renderable(spec)
    except InvalidSpec:
        return
    assert preview(spec, AS_OF).verdict is Verdict.FAIL


@pytest.mark.parametrize("arguments", [
    ("preview", "prod"), ("preview", "prod", "--format", "json"), ("render", "prod", "--out", "rendered"), ("check", "--bypass", "prod")])
def test_a_command_says_it_and_does_nothing(arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path, content in _put(_put(valid(), "kueue", UNKNOWN), "kserve", f"v{UNKNOWN}").documents.items():
        file = Path("environments", "prod", f"{path}.yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), encoding="utf-8")
    done = CliRunner().invoke(cli, [*arguments, "--as-of", AS_OF.isoformat()])

    assert done.exit_code == 2, done.output
    assert done.stderr.count("is not known here. Choose one of") == 2
    assert "environments/prod/environment.yaml:1 spec.kueue.version: " in done.stderr
    assert (done.stdout, Path("rendered").exists()) == ("", False)


@pytest.mark.parametrize("block", ["kueue", "kserve", "gpu_operator"])
def test_a_version_of_pages_is_no_version(block: str) -> None:
    with pytest.raises(InvalidSpec) as raised:
        _put(valid(), block, f"1.{'9' * 5000}").spec()
    assert [error.path for error in raised.value.errors] == [f"spec.{block}.version"]
    assert version_number(f"0.{'9' * 5000}") is None
