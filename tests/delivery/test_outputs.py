"""The files of ``--out``: complete, moved into place, and never at the cost of somebody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuplane.delivery import outputs
from gpuplane.delivery.manifests import HEADER, INCOMPLETE, manifests
from gpuplane.delivery.outputs import UnsafeOutputError, discard_former, write_outputs
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.render_json import to_json
from gpuplane.policies.finding import Verdict
from tests.delivery.reports import hostile, kubernetes, refused, report

REPORTS = ["findings.junit.xml", "findings.sarif", "plan.json", "report.html", "report.md"]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_one_folder_holds_every_form_and_each_whole_object(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    written = write_outputs(refused(), out)

    assert files(out) == sorted([
        *REPORTS, "manifests/INCOMPLETE.txt", "manifests/acme/inferenceservice-chat.yaml",
        "manifests/cluster/namespace-acme.yaml", "manifests/cluster/namespace-beta.yaml"])
    assert written == sorted(written)
    assert [str(path.relative_to(out)) for path in written] == files(out)
    assert json.loads((out / "plan.json").read_text(encoding="utf-8")) == json.loads(to_json(refused()))


def test_no_scraps_are_left_in_or_beside_the_folder(tmp_path: Path) -> None:
    write_outputs(report(), tmp_path / "out")

    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([*REPORTS, "manifests"])


def test_a_failure_on_the_way_leaves_the_former_run_and_no_scraps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    write_outputs(report(), out)
    before = {name: (out / name).read_bytes() for name in files(out)}

    def broken(_: Any, form: str) -> Iterator[str]:
        yield "{"
        if form == "junit":  # the last one: all others are written by then
            raise RuntimeError("defect")

    monkeypatch.setattr(outputs, "formatted_pieces", broken)
    with pytest.raises(RuntimeError, match="defect"):
        write_outputs(refused(), out)

    assert {name: (out / name).read_bytes() for name in files(out)} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_twice_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_outputs(refused(), tmp_path / name)

    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files(tmp_path / "a"))


def test_what_a_former_run_left_goes_and_so_do_empty_folders(tmp_path: Path) -> None:
    write_outputs(report(resources=(kubernetes("v1", "ConfigMap", "x", "gone"),)), tmp_path / "out")
    assert "manifests/gone/configmap-x.yaml" in files(tmp_path / "out")

    write_outputs(report(resources=(kubernetes("v1", "Namespace", "acme"),)), tmp_path / "out")

    assert [name for name in files(tmp_path / "out") if name.startswith("manifests")] == ["manifests/cluster/namespace-acme.yaml"]
    assert not (tmp_path / "out" / "manifests" / "gone").exists()


def test_an_environment_without_objects_has_an_empty_folder(tmp_path: Path) -> None:
    write_outputs(report(resources=()), tmp_path / "out")

    assert files(tmp_path / "out") == REPORTS
    assert (tmp_path / "out" / "manifests").is_dir()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")

    with pytest.raises(UnsafeOutputError, match="is a file; --out needs a folder"):
        write_outputs(report(), tmp_path / "out")


@pytest.mark.parametrize("name", ["mine.yaml", "cluster/mine.yaml", "notes.md", ".git"])
def test_files_of_others_among_the_manifests_are_refused_and_kept(tmp_path: Path, name: str) -> None:
    mine = tmp_path / "out" / "manifests" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("kind: Mine\n", encoding="utf-8")

    with pytest.raises(ValueError, match="files that gpuplane did not write: .*" + name.replace(".", r"\.")):
        write_outputs(report(), tmp_path / "out")

    assert files(tmp_path / "out") == [f"manifests/{name}"]
    assert mine.read_text(encoding="utf-8") == "kind: Mine\n"


@pytest.mark.parametrize("name", REPORTS)
def test_a_file_of_others_with_the_name_of_a_report_is_refused_and_kept(tmp_path: Path, name: str) -> None:
    write_outputs(refused(), tmp_path / "out")
    write_outputs(report(), tmp_path / "out")  # over our own
    (tmp_path / "out" / name).write_text("# gpuplane\nnotes on gpuplane\n", encoding="utf-8")

    with pytest.raises(UnsafeOutputError, match="was not written by gpuplane, and would be lost"):
        write_outputs(report(), tmp_path / "out")
    with pytest.raises(UnsafeOutputError, match="was not written by gpuplane, and would be lost"):
        discard_former(tmp_path / "out")

    assert len(files(tmp_path / "out")) > len(REPORTS)
    assert (tmp_path / "out" / name).read_text(encoding="utf-8").startswith("# gpuplane")


@pytest.mark.parametrize("made", [report(), refused(), hostile(), report(verdict=Verdict.UNKNOWN)])
def test_every_file_of_a_former_run_goes(tmp_path: Path, made: PreviewReport) -> None:
    write_outputs(made, tmp_path / "out")
    discard_former(tmp_path / "out")
    discard_former(tmp_path / "out")

    assert list((tmp_path / "out").iterdir()) == []


def test_a_link_among_the_manifests_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifests").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UnsafeOutputError, match="no folder of its own"):
        write_outputs(report(), tmp_path / "out")


def test_other_files_beside_the_report_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "README").write_text("mine", encoding="utf-8")
    write_outputs(report(), tmp_path / "out")

    assert (tmp_path / "out" / "README").read_text(encoding="utf-8") == "mine"


def test_a_manifest_is_the_object_with_sorted_keys() -> None:
    text = manifests(report())["cluster/namespace-acme.yaml"]

    assert text.startswith(HEADER)
    assert yaml.safe_load(text) == report().resources[5].props
    assert text.index("apiVersion") < text.index("kind") < text.index("metadata")


def test_an_object_with_an_unknown_or_a_secret_is_named_and_not_written() -> None:
    files = manifests(report())
    text = "".join(files.values())

    assert "ConfigMap beta/endpoint: data.host is <known after apply: address of urn:db>" in files[INCOMPLETE]
    assert "Secret acme/token: stringData is secret" in files[INCOMPLETE]
    assert not [path for path in files if "endpoint" in path or "token" in path]
    assert "[secret]" not in text


@pytest.mark.parametrize("data", [
    {"a": {"b": "[secret]"}}, {"a": ["x", "[secret]"]}, {"url": "https://user:[secret]@host"}])
def test_a_secret_anywhere_keeps_an_object_out(data: dict[str, Any]) -> None:
    assert list(manifests(report(resources=(kubernetes("v1", "ConfigMap", "x", "acme", data=data),)))) == [INCOMPLETE]


def test_helm_releases_components_and_cloud_resources_are_no_manifests() -> None:
    kinds = {path.rpartition("/")[2].partition("-")[0] for path in manifests(report()) if path != INCOMPLETE}

    assert kinds == {"namespace", "inferenceservice"}


def test_two_kinds_of_one_name_are_told_apart_by_their_group() -> None:
    views = (kubernetes("v1", "Service", "chat", "acme"), kubernetes("serving.knative.dev/v1", "Service", "chat", "acme"))
    told = [replace(view, urn=f"urn:{index}") for index, view in enumerate(views)]

    assert list(manifests(report(resources=tuple(told)))) == [
        "acme/service-chat.yaml", "acme/service.serving.knative.dev-chat.yaml"]


def test_names_that_a_file_system_cannot_tell_apart_get_a_digest_that_stays() -> None:
    views = tuple(replace(kubernetes("rbac.authorization.k8s.io/v1", "ClusterRole", name), urn=name)
                  for name in ("a:b", "a_b", "A_B"))
    paths = list(manifests(report(resources=views)))

    assert len(set(paths)) == 3
    assert all(path.startswith("cluster/clusterrole-a_b-") for path in paths)
    assert paths == list(manifests(report(resources=views[::-1])))


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "/abs", "a\\b", "CON\x00"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    views = (kubernetes("v1", "ConfigMap", name, name),)
    written = write_outputs(report(resources=views), tmp_path / "out")

    assert all(path.resolve().is_relative_to((tmp_path / "out").resolve()) for path in written)
    assert len([path for path in written if "manifests" in path.parts]) == 1


def test_an_object_that_is_named_at_apply_is_not_written() -> None:
    nameless = kubernetes("v1", "ConfigMap", "", "acme")

    assert "metadata.name is chosen at apply" in manifests(report(resources=(nameless,)))[INCOMPLETE]
