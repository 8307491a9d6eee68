"""One comment for all environments: verdict first, everything that matters, never too long."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from gpuplane.cli import cli
from gpuplane.delivery.changes import Change, FieldChange
from gpuplane.delivery.pull_request.comment import LIMITS, Links, comment, marker_line
from gpuplane.delivery.pull_request.comment_sections import component_of
from gpuplane.delivery.pull_request.preview_file import PreviewFile
from tests.delivery.golden import assert_golden
from tests.delivery.pull_request.previews import LOAD, changed, read, with_plan, written
from tests.delivery.reports import kubernetes, refused, report


def test_the_comment_on_two_environments_looks_as_checked_in(tmp_path: Path) -> None:
    previews = [read(replace(report(), environment="dev"), tmp_path / "dev"),
                read(changed(min_replicas=1, surge=0), tmp_path / "prod")]

    assert_golden("comment.md", comment(previews, "preview", Links("https://ci.example.com/runs/7")))


def test_the_first_line_is_the_marker_and_the_next_the_verdict(tmp_path: Path) -> None:
    lines = comment([read(refused(), tmp_path)], "preview").split("\n\n")

    assert lines[0] == "<!-- gpuplane:preview -->"
    assert lines[1] == "## ⛔ REFUSED: prod may not go"


def test_what_is_lost_and_what_is_in_the_way_is_never_folded(tmp_path: Path) -> None:
    above = comment([read(refused(), tmp_path)], "preview").partition("<details>")[0]

    for words in ("in the way", "**delete** (protected)", "secrets and their data", "nobody declared"):
        assert words in above


def many(count: int) -> list[Change]:
    """A change of as many services."""
    views = [kubernetes("serving.kserve.io/v1beta1", "InferenceService", f"model-{number}", f"team-{number:03}") for number in range(count)]
    return [Change("update", view, (FieldChange("spec.predictor.model.image", "a", "b"),)) for view in views]


def large(folder: Path, count: int = 200) -> PreviewFile:
    made = refused()
    assert made.comparison is not None
    tenant = made.plan.tenants["acme"]
    names = [f"team-{number:03}" for number in range(count)]
    tenants = {name: replace(tenant, name=name, services=(replace(
        tenant.services[0], name=f"model-{int(name[-3:])}", tenant=name, load=LOAD),)) for name in names}
    findings = tuple(replace(each, tenant=name, message=each.message + " x" * 400) for name in names for each in made.findings[:1])
    return read(replace(made, plan=replace(made.plan, tenants=tenants), findings=findings, comparison=replace(
        made.comparison, changes=tuple(many(count)))), folder)


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_two_hundred_changed_services_fit_and_the_artifact_has_the_rest(tmp_path: Path, forge: str) -> None:
    text = comment([large(tmp_path)], "preview", Links("https://ci.example.com/runs/7"), LIMITS[forge])

    assert len(text.encode()) <= LIMITS[forge]
    assert "## ⛔ REFUSED: prod may not go" in text
    assert "team-000" in text
    if forge == "github":
        assert "Not everything fits here: [the report](https://ci.example.com/runs/7) has the rest." in text
        assert len(text) > 20_000  # as much as fits is shown
    else:
        assert "team-199/model-199" in text


@pytest.mark.parametrize("most", [300, 1000, 3000, 10_000, 65_536])
def test_whatever_the_limit_it_holds_and_the_marker_and_verdict_stay(tmp_path: Path, most: int) -> None:
    previews = [replace(large(tmp_path), environment=f"prod-{number:02}") for number in range(30)]
    text = comment(previews, "preview", most_bytes=most)

    assert len(text.encode()) <= most
    assert text.startswith("<!-- gpuplane:preview -->\n\n## ⛔ REFUSED: ")


def test_no_fold_is_left_open_and_no_table_follows_text_directly(tmp_path: Path) -> None:
    text = comment([large(tmp_path)], "preview")

    assert text.count("<details>") == text.count("</details>")


def test_exemptions_that_end_within_a_fortnight_are_named(tmp_path: Path) -> None:
    made = refused()
    soon = comment([read(made, tmp_path / "a")], "preview")
    later = comment([read(replace(made, as_of=made.as_of.replace(month=7, day=20)), tmp_path / "b")], "preview")

    assert "1 exemption about to end" in soon
    assert "2026-08-15" in soon.partition("about to end")[2]
    assert "about to end" not in later


def test_objects_are_counted_by_the_components_that_made_them() -> None:
    below = "urn:pulumi:p::gpuplane::gpuplane:index:Tenant$gpuplane:index:TenantQueue$kubernetes:kueue.x-k8s.io/v1beta2:ClusterQueue::acme"

    assert component_of(below) == "Tenant / TenantQueue"
    assert component_of("urn:pulumi:p::gpuplane::kubernetes:core/v1:Namespace::x") == "Namespace"
    assert component_of("nonsense") == "nonsense"


@pytest.mark.parametrize("name", ["", "-x", "x -->", "X", "a" * 64])
def test_a_marker_is_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="marker"):
        marker_line(name)


def test_the_command_prints_one_comment_of_all_folders(tmp_path: Path) -> None:
    folders = [str(written(replace(report(), environment=name), tmp_path / name)) for name in ("staging", "dev")]
    found = CliRunner().invoke(cli, ["comment", *folders, "--marker", "plan", "--report-url", "https://ci.example.com/x"])

    assert found.exit_code == 0, found.output
    assert found.output.startswith("<!-- gpuplane:plan -->\n\n## ✅ PASS: 2 environments may go\n")
    assert found.output.index("### ✅ dev") < found.output.index("### ✅ staging")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x y", "https://x)[a](b", "ftp://x", "https://x<y>"])
def test_the_artifact_has_an_address_that_cannot_end_its_link(tmp_path: Path, url: str) -> None:
    found = CliRunner().invoke(cli, ["comment", str(written(report(), tmp_path)), "--report-url", url])

    assert found.exit_code == 2
    assert "is no address" in found.output


def test_all_folders_that_cannot_be_read_are_named_at_once(tmp_path: Path) -> None:
    good = written(report(), tmp_path / "good")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "plan.json").write_text("[" * 100_000)
    old = with_plan(written(report(), tmp_path / "old"), schema_version=0)
    odd = with_plan(written(report(), tmp_path / "odd"), verdict="sure")
    found = CliRunner().invoke(cli, ["comment", *map(str, (tmp_path / "none", tmp_path / "text", old, odd, good, good))])

    assert found.exit_code == 2
    for words in ("none", "gpuplane preview ENV --against REF --out DIR", "is no preview in JSON", "has schema version 0", "verdict: ",
                  "'prod' is previewed in more than one folder"):
        assert words in found.output


@pytest.mark.parametrize("amount", ["1E+999999999", "9" * 40, "-1E+16"])
def test_an_amount_that_nobody_has_is_no_preview(tmp_path: Path, amount: str) -> None:
    folder = written(report(), tmp_path / "large")
    plan = json.loads((folder / "plan.json").read_text())["plan"]
    found = CliRunner().invoke(cli, ["comment", str(with_plan(folder, plan={**plan, "budget_usd_per_month": amount}))])

    assert found.exit_code == 2
    assert "plan.budget_usd_per_month: a number beyond 1000000000000000" in found.stderr
