"""A control plane for one rehearsal: what it is made from, and that nothing of it stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.rehearsal.local import managers
from gpuplane.delivery.rehearsal.local.manifests import Hook, definition, read_manifests, webhooks
from gpuplane.delivery.rehearsal.local.processes import PREFIX, RECORD, Processes, remove_leftovers
from gpuplane.delivery.rehearsal.local.programs import OPTIONAL, REQUIRED, require_programs

KUEUE = Hook(managers.KUEUE, "kueue", "", 9443, "Y2E=")
KSERVE = Hook(managers.KSERVE, managers.KSERVE, "llm", 9444, "Y2E=")
LLM = Hook(managers.KSERVE, "llminferenceservice", "", 9445, "Y2E=")
CONVERSION = {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {
    "service": {"name": "kueue-webhook-service", "namespace": "kueue-system", "path": "/convert"}}}}


def _definition(group: str, kind: str) -> dict[str, Any]:
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{kind.lower()}s.{group}"},
            "spec": {"group": group, "names": {"kind": kind}, "conversion": CONVERSION, "versions": [{"name": "v1beta2", "served": True}]}}


def _configuration(name: str, *hooks: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": name},
            "webhooks": [{"name": each, "clientConfig": client} for each, client in hooks]}


def test_manifests_of_a_release_are_sorted_and_what_would_run_there_is_left_out(tmp_path: Path) -> None:
    bodies = [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "kueue-controller-manager"}},
              {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "inferenceservice-config", "namespace": "kserve"}, "data": {}},
              _definition("serving.kserve.io", "ClusterServingRuntime"), _configuration("kueue-validating", ("vpod.kb.io", {}))]
    (tmp_path / "release.yaml").write_text(yaml.safe_dump_all([*bodies, None]))
    runtime = {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "ClusterServingRuntime", "metadata": {"name": "vllm"}}
    (tmp_path / "more.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [runtime]}))
    (tmp_path / "notes.txt").write_text("no manifest")

    found = read_manifests([tmp_path])

    assert [one["metadata"]["name"] for one in found.namespaces] == ["kserve"]
    assert found.serves("serving.kserve.io", "ClusterServingRuntime")
    assert not found.serves("serving.kserve.io", "InferenceService")
    assert found.setting("inferenceservice-config") is not None
    assert found.objects == (runtime,)
    assert len(found.webhooks) == 1
    assert managers.managers_here(found)[1]["kueue-manager"] == "no CRD of ClusterQueue of kueue.x-k8s.io (--crds)"


def test_each_of_kserves_controllers_needs_its_own_program_and_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "inferenceservice-config", "namespace": "kserve"}, "data": {}}
    (tmp_path / "kserve.yaml").write_text(yaml.safe_dump_all([settings, _definition(managers.KSERVE, "LLMInferenceService")]))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "bin"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()

    without = managers.managers_here(read_manifests([tmp_path]))
    (tmp_path / "bin" / "kserve-llmisvc").write_text("")
    (tmp_path / "bin" / "kserve-llmisvc").chmod(0o755)
    here, missing = managers.managers_here(read_manifests([tmp_path]))

    assert without[0] == ()
    assert without[1]["kserve-llmisvc"] == "no kserve-llmisvc in KUBEBUILDER_ASSETS or on PATH"
    assert [(one.name, one.role.serves) for one in here] == [("kserve-llmisvc", "LLMInferenceService")]
    assert missing["kserve-manager"] == "no CRD of InferenceService of serving.kserve.io (--crds)"


@pytest.mark.parametrize(("name", "text"), [("no.yaml", None), ("bad.yaml", "a: [b"), ("bad.json", "{")])
def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)

    with pytest.raises(CannotStart, match=name):
        read_manifests([tmp_path / name])


def test_webhooks_call_who_runs_here_and_nobody_else() -> None:
    service = {"service": {"name": "kserve-webhook-server-service", "namespace": "kserve", "path": "/validate"}}
    body = _configuration("inferenceservice.serving.kserve.io", ("inferenceservice.serving.kserve.io", service),
                          ("llminferenceservice.serving.kserve.io", service))
    llm = _configuration("llminferenceservice.serving.kserve.io", ("llminferenceservice.kserve-webhook-server.v1alpha2.validator", service))
    kueue = _configuration("validating", ("vpod.kb.io", {"service": {"name": "w", "namespace": "kueue-system", "path": "/pod"}}))
    live = _configuration("kueue-validating", ("vpod.kb.io", {"url": "https://127.0.0.1:1/pod"}))

    found = [each for one in (body, kueue, live) for each in webhooks(one, (KUEUE, KSERVE))]

    assert [[(one["name"], one["clientConfig"]["url"]) for one in each["webhooks"]] for each in found] == [
        [("inferenceservice.serving.kserve.io", "https://127.0.0.1:9444/validate")], [("vpod.kb.io", "https://127.0.0.1:9443/pod")],
        [("vpod.kb.io", "https://127.0.0.1:9443/pod")]]
    assert not list(webhooks(body, (KUEUE,)))
    assert not list(webhooks(llm, (KUEUE, KSERVE)))
    assert [one["clientConfig"]["url"] for each in webhooks(llm, (KUEUE, KSERVE, LLM)) for one in each["webhooks"]] == [
        "https://127.0.0.1:9445/validate"]


def test_versions_are_converted_by_who_runs_here_or_not_at_all() -> None:
    body = _definition("kueue.x-k8s.io", "ClusterQueue")

    assert definition(body, (KUEUE,))["spec"]["conversion"]["webhook"]["clientConfig"]["url"] == "https://127.0.0.1:9443/convert"
    assert "conversion" not in definition(body, (KSERVE,))["spec"]
    llm = _definition(managers.KSERVE, "LLMInferenceService")
    assert "conversion" not in definition(llm, (KUEUE, KSERVE))["spec"]
    assert definition(llm, (KSERVE, LLM))["spec"]["conversion"]["webhook"]["clientConfig"]["url"] == "https://127.0.0.1:9445/convert"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "etcd").write_text("")
    (tmp_path / "assets" / "etcd").chmod(0o755)

    with pytest.raises(CannotStart, match=rf"--local needs {', '.join((*REQUIRED[1:], *OPTIONAL))} in KUBEBUILDER_ASSETS"):
        require_programs()


def test_only_what_a_killed_owner_left_is_removed(tmp_path: Path) -> None:
    mine, dead = tmp_path / f"{PREFIX}mine", tmp_path / f"{PREFIX}dead"
    script = ("import sys; from pathlib import Path; from gpuplane.delivery.rehearsal.local.processes import Processes\n"
              f"Processes(Path({str(dead)!r}))")
    subprocess.run([sys.executable, "-c", script], check=True)
    with subprocess.Popen([sys.executable, "-c", f"import time; time.sleep(600)  # {dead}"], start_new_session=True) as orphan:
        began = subprocess.run(["ps", "-ww", "-p", str(orphan.pid), "-o", "lstart="], capture_output=True, text=True, check=True).stdout.strip()
        other = {"pid": os.getpid(), "began": "another process had this number"}
        with (dead / RECORD).open("a") as file:
            file.write(f"{json.dumps({'pid': orphan.pid, 'began': began})}\n{json.dumps(other)}\n")
        Processes(mine)

        found = remove_leftovers(tmp_path)

        assert orphan.wait(20) == -9
    assert found == [dead]
    assert mine.is_dir()
    assert not dead.exists()
