"""What each runtime becomes: golden manifests of the ClusterServingRuntime and of a service of it, and what holds for all of them."""

from __future__ import annotations

import os
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuplane.catalog.overlay import catalog_of
from gpuplane.catalog.runtimes import shipped_runtimes
from gpuplane.components.triton_models import start_command
from gpuplane.delivery.offline_engine import render
from gpuplane.planning import plan
from tests.spec.wish import Wish
from tests.stacks.runtime_services import SERVERS, service_of, wish_of

GOLDEN = Path(__file__).parents[1] / "golden" / "runtimes"
AS_OF = date(2026, 11, 21)


def objects_of(wish: Wish) -> dict[str, dict[str, Any]]:
    """The objects that a runtime makes, by kind."""
    spec = wish.load()
    planned = plan(spec, catalog_of(spec), AS_OF)
    assert planned.refusals == ()
    return {view.kind: dict(view.props) for view in render(spec, planned) if view.custom and (
        view.kind in ("ClusterServingRuntime", "InferenceService") or (view.kind == "ConfigMap" and "models" in view.name))}


def test_every_shipped_runtime_has_a_golden_manifest() -> None:
    assert set(SERVERS) == {*shipped_runtimes(), "tiny"}
    assert os.environ.get("GPUPLANE_WRITE_GOLDEN") or {path.stem for path in GOLDEN.iterdir()} == set(SERVERS)


@pytest.mark.parametrize("runtime", SERVERS)
def test_a_runtime_becomes_what_its_golden_manifest_says(runtime: str, tmp_path: Path) -> None:
    text = yaml.safe_dump_all([found for _, found in sorted(objects_of(wish_of(tmp_path, runtime)).items())], sort_keys=True, width=120)
    golden = GOLDEN / f"{runtime}.yaml"
    if os.environ.get("GPUPLANE_WRITE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)

    assert golden.read_text() == text


@pytest.mark.parametrize("runtime", SERVERS)
def test_pods_of_every_runtime_are_confined_probed_and_drained(runtime: str, tmp_path: Path) -> None:
    found = objects_of(wish_of(tmp_path, runtime).change(
        "services/acme/chat.yaml", "  placement:\n", "  request_timeout_seconds: 600\n  placement:\n"))
    predictor, server = found["InferenceService"]["spec"]["predictor"], found["ClusterServingRuntime"]["spec"]["containers"][0]
    model, row = predictor["model"], shipped_runtimes().get(runtime)

    assert "@sha256:" in model["image"]
    assert predictor["automountServiceAccountToken"] is False
    assert predictor["securityContext"]["runAsNonRoot"] is True
    assert predictor["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert server["securityContext"]["allowPrivilegeEscalation"] is False
    if row is not None and row.read_only_root:
        assert server["securityContext"]["readOnlyRootFilesystem"] is True
        assert {mount["mountPath"] for mount in server["volumeMounts"]} == set(row.writable_directories)
    assert {"name": "shm", "mountPath": "/dev/shm"} in model["volumeMounts"]
    # A stream that began as the pod was deleted has its whole time, whichever way the server drains.
    stop = model["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert predictor["terminationGracePeriodSeconds"] == 630
    argument = any(text.endswith("=600") for text in model.get("args", ()))
    assert stop == (15 if argument else 615)
    live = model["livenessProbe"]
    assert live["periodSeconds"] * live["failureThreshold"] >= 180


@pytest.mark.parametrize(("version", "drains"), [("0.17.1", False), ("0.18.0", True), ("0.31.0", True)])
def test_a_vllm_that_cannot_drain_is_waited_for(version: str, drains: bool, tmp_path: Path) -> None:
    wish = wish_of(tmp_path, "vllm").change("services/acme/chat.yaml", "version: 0.31.0", f"version: {version}")
    model = objects_of(wish)["InferenceService"]["spec"]["predictor"]["model"]

    assert ("--shutdown-timeout=300" in model["args"]) is drains
    assert model["lifecycle"]["preStop"]["sleep"]["seconds"] == (15 if drains else 315)


def test_a_change_of_model_settings_is_a_rollout(tmp_path: Path) -> None:
    before = objects_of(wish_of(tmp_path, "triton"))
    after = objects_of(service_of(Wish(tmp_path), "triton").change("services/acme/chat.yaml", "max_batch_size: 32", "max_batch_size: 64"))

    assert before["ConfigMap"]["metadata"]["name"] != after["ConfigMap"]["metadata"]["name"]
    for found in (before, after):
        volumes = {volume["name"]: volume for volume in found["InferenceService"]["spec"]["predictor"]["volumes"]}
        assert volumes["model-settings"]["configMap"]["name"] == found["ConfigMap"]["metadata"]["name"]


def _start(folder: Path, models: tuple[str, ...], settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name in models:
        (folder / "models" / name / "1").mkdir(parents=True)
        (folder / "models" / name / "1" / "model.onnx").write_text("weights")
        (folder / "models" / name / "config.pbtxt").write_text("of the repository")
    (folder / "settings").mkdir()
    for name, text in settings.items():
        (folder / "settings" / f"{name}.pbtxt").write_text(text)
    (folder / "bin").mkdir()
    server = folder / "bin" / "tritonserver"
    server.write_text('#!/bin/sh\necho started "$@"\n')
    server.chmod(0o755)
    command = start_command(str(folder / "models"), str(folder / "settings"), str(folder / "links"))
    return subprocess.run([*command, "--http-port=8080"], capture_output=True, text=True, check=False,
                          env={"PATH": f"{folder / 'bin'}:/usr/bin:/bin"})


def test_triton_starts_on_links_with_our_settings_in_the_place_of_the_repositorys(tmp_path: Path) -> None:
    done = _start(tmp_path, ("resnet50", "other"), {"resnet50": "ours"})

    assert (done.returncode, done.stdout) == (0, "started --http-port=8080\n")
    links = tmp_path / "links"
    assert (links / "resnet50" / "1" / "model.onnx").read_text() == "weights"
    assert (links / "resnet50" / "config.pbtxt").read_text() == "ours"
    assert (links / "other" / "config.pbtxt").read_text() == "of the repository"
    assert (tmp_path / "models" / "resnet50" / "config.pbtxt").read_text() == "of the repository"


def test_settings_of_a_model_that_is_not_there_end_the_container(tmp_path: Path) -> None:
    done = _start(tmp_path, ("other",), {"resnet50": "ours"})

    assert (done.returncode, done.stdout) == (1, "")
    assert "no model resnet50" in done.stderr
