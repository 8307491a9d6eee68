"""``gpuplane rehearse --local``: a control plane of its own, made from programs on PATH, gone afterwards even when it was killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gpuplane.delivery.rehearsal.local.managers import KSERVE, certificate
from gpuplane.delivery.rehearsal.local.processes import PREFIX
from gpuplane.delivery.rehearsal.local.programs import MANAGERS, OPTIONAL, REQUIRED, program
from gpuplane.spec.vocabulary import KSERVE_LLM
from tests.integration.cluster import wait_for
from tests.integration.local_manifests import write_manifests
from tests.integration.rehearsal_process import ROOT, killed, rehearse_command
from tests.integration.rehearsal_wish import as_llm, small, written
from tests.planning.wish import Wish

pytestmark = pytest.mark.integration
LLM_CRD = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"llminferenceservices.{KSERVE}"},
    "spec": {"group": KSERVE, "scope": "Namespaced", "names": {
        "kind": "LLMInferenceService", "listKind": "LLMInferenceServiceList", "plural": "llminferenceservices", "singular": "llminferenceservice"},
        "versions": [{"name": KSERVE_LLM.partition("/")[2], "served": True, "storage": True, "schema": {"openAPIV3Schema": {
            "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}
"""The kind alone, without its controller's presets and webhooks."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A temporary folder of its own, manifests and documents in it."""
    write_manifests(tmp_path / "manifests")
    written(small(), tmp_path / "environments")
    (tmp_path / "tmp").mkdir()
    certificate(tmp_path / "metrics")
    return tmp_path


def _variables(home: Path) -> dict[str, str]:
    """Without anybody's kubeconfig. Kueue's manager wants a certificate for metrics that nobody reads."""
    kept = {key: value for key, value in os.environ.items() if key not in ("KUBECONFIG", "GPUPLANE_EXTRA_CRDS")}
    return {**kept, "TMPDIR": str(home / "tmp"), "KUEUE_METRICS_CERT_DIR": str(home / "metrics")}


def _command(home: Path, *arguments: str) -> list[str]:
    return rehearse_command(home / "environments", "--local", *arguments)


def _with_talk() -> Wish:
    """The small environment, and an LLMInferenceService in what is left of the quota."""
    wish = small().put("services/rehearsed-acme/chat spec.rollout", {"max_surge": 0, "max_unavailable": 1})
    return as_llm(wish.service("rehearsed-acme/talk", "rack"), "rehearsed-acme/talk")


def _left(home: Path) -> list[Path]:
    return list((home / "tmp").glob(f"{PREFIX}*"))


def _processes(home: Path) -> str:
    listed = subprocess.run(["ps", "-ww", "-A", "-o", "command="], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in listed.splitlines() if f"{home}/tmp/{PREFIX}" in line)


def test_a_plan_is_rehearsed_where_there_is_no_cluster(home: Path) -> None:
    """One of its services is a kind that nobody brought; the others are rehearsed."""
    written(_with_talk(), home / "environments")

    done = subprocess.run(_command(home, "prod", "--scenario", "maximum", "--crds", str(home / "manifests")), cwd=ROOT, env=_variables(home),
                          capture_output=True, text=True, check=False, timeout=400)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "with Kueue and KServe" in done.stdout
    assert "4 of 6 admitted, 2 pending, 4 running" in done.stdout
    unseen = next(line for line in done.stdout.splitlines() if "rehearsed-acme/talk" in line)
    assert "(not rehearsed: no CRD of LLMInferenceService of serving.kserve.io (--crds))" in unseen
    assert _left(home) == []
    assert _processes(home) == ""


def test_llm_inference_services_are_rehearsed_with_their_own_controller(home: Path) -> None:
    """Prompts and answers are two Deployments. Of the Gateway API, its inference extension and LeaderWorkerSet nothing is there."""
    try:
        write_manifests(home / "manifests", llm=True)
    except StopIteration:
        pytest.skip("the cluster has no LLMInferenceService: its CRD is not installed")
    wish = small().put("environment spec.cluster.api_server_cidrs", ["10.0.0.10/32"])
    del wish.documents["services/rehearsed-acme/chat"]
    wish.service("rehearsed-acme/split", "rack", router={"scheduler": {}}, prefill={
        "replicas": 1, "parallelism": {"tensor": 1}, "resources": {"cpu": 4, "memory_gib": 32}})
    shutil.rmtree(home / "environments")
    written(as_llm(wish, "rehearsed-acme/split"), home / "environments")

    done = subprocess.run(_command(home, "prod", "--scenario", "minimum", "--scenario", "rolling-update", "--format", "json", "--short",
                                   "--crds", str(home / "manifests")),
                          cwd=ROOT, env=_variables(home), capture_output=True, text=True, check=False, timeout=400)

    assert done.returncode == 0, done.stdout + done.stderr
    claims = json.loads(done.stdout)["rehearsal"]["claims"]
    assert {claim["verdict"] for claim in claims} == {"agree"}
    for scenario in ("minimum load", "rolling update"):
        assert {"rehearsed-acme/split", "rehearsed-acme/split-prefill"} <= {one["subject"] for one in claims if one["scenario"] == scenario}


def test_weights_are_rehearsed_on_a_kueue_that_shares_by_them(home: Path) -> None:
    """beta borrows what acme does not use, and acme takes back what is its own."""
    weighted = small().put("tenants/rehearsed-acme spec.fair_sharing_weight", 3).put("tenants/rehearsed-beta spec.fair_sharing_weight", 0.5)
    written(weighted, home / "environments")

    done = subprocess.run(_command(home, "prod", "--scenario", "maximum", "--scenario", "burst", "--short", "--crds", str(home / "manifests")),
                          cwd=ROOT, env=_variables(home), capture_output=True, text=True, check=False, timeout=500)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "not known" not in done.stdout
    assert "4 of 6 admitted, 2 pending, 4 running" in done.stdout


def test_without_controllers_nothing_is_said_to_be_rehearsed(home: Path) -> None:
    written(_with_talk(), home / "environments")
    (home / "manifests" / "llm.json").write_text(json.dumps(LLM_CRD))
    assets = home / "assets"
    assets.mkdir()
    for name in (*REQUIRED, *OPTIONAL):
        (assets / name).symlink_to(str(program(name)))
    for name in ("ps", "git"):
        (assets / name).symlink_to(str(shutil.which(name)))
    variables = {**_variables(home), "PATH": str(assets), "KUBEBUILDER_ASSETS": str(assets)}

    done = subprocess.run(_command(home, "prod", "--scenario", "minimum", "--crds", str(home / "manifests")), cwd=ROOT, env=variables,
                          capture_output=True, text=True, check=False, timeout=400)

    assert done.returncode == 1, done.stdout + done.stderr
    for name in MANAGERS:
        assert f"no {name} in KUBEBUILDER_ASSETS or on PATH: what depends on it is not rehearsed" in done.stderr
    assert "nothing could be rehearsed" in done.stdout
    unseen = {line.split()[1]: line for line in done.stdout.splitlines() if "KServe makes its Deployment" in line}
    assert "no kserve-llmisvc in" in unseen["rehearsed-acme/talk"]
    assert "no kserve-manager in" in unseen["rehearsed-acme/chat"]


def test_a_killed_one_takes_its_processes_along_and_the_next_removes_its_folder(home: Path) -> None:
    killed(_command(home, "prod", "--crds", str(home / "manifests")), "applying wave", _variables(home))
    assert len(_left(home)) == 1

    cleaned = subprocess.run(_command(home, "--clean"), cwd=ROOT, env=_variables(home), capture_output=True, text=True, check=False)

    assert cleaned.returncode == 0, cleaned.stderr
    assert _left(home) == []
    wait_for(lambda: _processes(home) == "", "no process is left", 20)
