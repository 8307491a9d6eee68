"""``gpuplane render --verify``: whatever is changed after rendering is found, by whoever asks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gpuplane.delivery.file_digests import digest, digest_of
from tests.delivery.handoff.environments import ARGO_CD, environments, objects, render

SERVICE = "tenants/chat/chat/inferenceservice-qwen.yaml"


@pytest.fixture(scope="module")
def wishes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environments(tmp_path_factory.mktemp("wishes"), ARGO_CD)


@pytest.fixture(scope="module")
def original(wishes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rendered") / "out"
    assert render("team", "--out", out, where=wishes).exit_code == 0
    return out


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "out")
    return tmp_path / "out"


def test_what_was_rendered_may_be_applied(wishes: Path, folder: Path) -> None:
    alone, again = render("--verify", folder), render("team", "--verify", folder, where=wishes)

    assert (alone.exit_code, again.exit_code) == (0, 0), alone.output + again.output
    assert "objects are as they were rendered, pass 12" in alone.stdout
    assert "are what the wishes say" in again.stdout


def _edit(path: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text
        (folder / path).write_text(text.replace(old, new))
    return edit


@pytest.mark.parametrize(("change", "said"), [
    (_edit(SERVICE, "maxReplicas: 2", "maxReplicas: 3"), f"{SERVICE} is not what was rendered."),
    (lambda folder: (folder / SERVICE).unlink(), f"{SERVICE} is not there."),
    (lambda folder: (folder / "tenants/chat/more.yaml").write_text("kind: More\n"), "tenants/chat/more.yaml was not rendered"),
    (lambda folder: (folder / "tenants/chat/more.json").write_text("{}"), "tenants/chat/more.json was not rendered"),
    (lambda folder: (folder / "tenants/chat/link.yaml").symlink_to("/etc/hostname"), "tenants/chat/link.yaml was not rendered"),
    (_edit("argo-cd/apps/project-tenants.yaml", "namespace: chat", "namespace: '*'"), "argo-cd/apps/project-tenants.yaml is not what"),
    (_edit("gpuplane.json", '"verdict": "pass"', '"verdict": "fail"'), "the verdict was fail"),
    (_edit("judged-with.json", '"exemptions": []', '"exemptions": [ ]'), "judged-with.json is not what was rendered."),
], ids=["edited", "gone", "added", "added JSON", "link", "engine object", "verdict", "context"])
def test_every_change_is_refused(folder: Path, change: Callable[[Path], None], said: str) -> None:
    change(folder)

    done = render("--verify", folder)

    assert done.exit_code == 1, done.output
    assert said in done.stdout


def _forged(folder: Path) -> None:
    """A provenance that fits what was changed: what somebody writes who may write everything."""
    said = json.loads((folder / "gpuplane.json").read_text())
    said["files"] = {path: digest((folder / path).read_text()) for path in said["files"]}
    said["digest"] = digest_of(said["files"])
    (folder / "gpuplane.json").write_text(json.dumps(said))


def test_a_violation_with_a_forged_digest_is_still_a_violation(folder: Path) -> None:
    _edit(SERVICE, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true")(folder)
    _forged(folder)

    done = render("--verify", folder)

    assert done.exit_code == 1, done.output
    assert "is not what was rendered" not in done.stdout
    assert "WS-" in done.stdout


def test_a_harmless_change_with_a_forged_digest_is_not_what_the_wishes_say(wishes: Path, folder: Path) -> None:
    _edit(SERVICE, "maxReplicas: 2", "maxReplicas: 1")(folder)
    _forged(folder)

    alone, again = render("--verify", folder), render("team", "--verify", folder, where=wishes)

    assert alone.exit_code == 0, alone.output
    assert again.exit_code == 1
    assert f"{SERVICE} is not what team gives now." in again.stdout


def test_the_gate_of_a_part_knows_its_digest(folder: Path) -> None:
    job = objects(folder)["tenants/chat/gpuplane-gate.yaml"]
    variables = {each["name"]: each["value"] for each in job["spec"]["template"]["spec"]["containers"][0]["env"]}

    right = render("--verify", folder, "--part", variables["PART"], "--digest", variables["DIGEST"])
    other = render("--verify", folder, "--part", "platform", "--digest", variables["DIGEST"])

    assert variables["PART"] == "tenants/chat"
    assert right.exit_code == 0, right.output
    assert other.exit_code == 1
    assert "another commit" in other.stdout


@pytest.mark.parametrize("name", ["gpuplane.json", "judged-with.json"])
def test_what_is_no_rendered_folder_is_wrong_input(folder: Path, name: str) -> None:
    (folder / name).write_text("[]")

    assert render("--verify", folder).exit_code == 2


def _exemption(rule: str) -> str:
    return f"""    - rule: {rule}
      resource: {{kind: NetworkPolicy, namespace: chat, name: egress-web}}
      owner: chat-team@example.com
      reason: the old client has no proxy yet
      approval: PR 17
      expires: "2026-12-31"
"""


EXEMPTIONS = f"apiVersion: gpuplane/v1\nkind: Exemptions\nmetadata: {{name: team}}\nspec:\n  exemptions:\n{_exemption('TI-02')}{_exemption('TI-03')}"


def test_an_exemption_that_has_ended_shuts_the_gate(tmp_path: Path) -> None:
    wishes, out = environments(tmp_path, ARGO_CD), tmp_path / "out"
    tenant = wishes / "team/tenants/chat.yaml"
    tenant.write_text(tenant.read_text() + "  egress: [{name: web, cidr: 8.0.0.0/7, ports: [443]}]\n")
    (wishes / "team/exemptions.yaml").write_text(EXEMPTIONS)

    made = render("team", "--out", out, where=wishes)
    today, later = render("--verify", out), render("--verify", out, as_of="2027-01-01")

    assert made.exit_code == 0, made.output
    assert any("TI-03 NetworkPolicy chat/egress-web" in each for each in json.loads((out / "gpuplane.json").read_text())["waived"])
    assert today.exit_code == 0, today.output
    assert later.exit_code == 1
    assert "TI-03" in later.stdout
