"""The CrossGuard pack: the same rules as a second gate in ``pulumi preview --policy-pack policies``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.work import ROOT, Work

pytestmark = pytest.mark.integration

PACK = ROOT / "policies"
ENVIRONMENT = ROOT / ".venv-policy" / "bin" / "python"

PROGRAM = """
import pulumi
import pulumi_kubernetes as kubernetes
from gpuplane.components.kubernetes_object import KubernetesObject

cluster = kubernetes.Provider("cluster", context="{context}")
container = {{"name": "main", "image": "example.com/app@sha256:" + "a" * 64, "readinessProbe": {{"tcpSocket": {{"port": 8080}}}}, "securityContext": {{
                 "privileged": {privileged}, "allowPrivilegeEscalation": {privileged}, "runAsNonRoot": True, "readOnlyRootFilesystem": True,
                 "capabilities": {{"drop": ["ALL"]}}, "seccompProfile": {{"type": "RuntimeDefault"}}}},
             "resources": {{"requests": {{"cpu": "1", "memory": "1Gi"}}, "limits": {{"cpu": "1", "memory": "1Gi"}}}}}}
KubernetesObject("deny", {{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {{"name": "deny", "namespace": "default"}},
                           "spec": {{"podSelector": {{}}, "policyTypes": ["Ingress", "Egress"]}}}}, pulumi.ResourceOptions(provider=cluster))
KubernetesObject("app", {{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "app", "namespace": "default"}},
                          "spec": {{"serviceAccountName": "app", "automountServiceAccountToken": False, "containers": [container]}}}}, pulumi.ResourceOptions(provider=cluster))
"""


@pytest.fixture(scope="module")
def pack() -> Path:
    if not ENVIRONMENT.exists():
        assert os.environ.get("CI") != "true", "CI=true, and there is no .venv-policy: run `make policy-env`"
        pytest.skip("the pack has no environment: run `make policy-env`")
    return PACK


@pytest.mark.parametrize(("privileged", "status"), [(False, 0), (True, 1)])
def test_the_pack_stops_what_the_rules_refuse(work: Work, pack: Path, privileged: bool, status: int) -> None:
    project = work.folder / f"pack-{privileged}"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: pack\nruntime: {name: python, options: {toolchain: pip, virtualenv: %s}}\n" % (ROOT / ".venv"))
    (project / "__main__.py").write_text(PROGRAM.format(context=work.cluster.context, privileged=privileged))
    stack = f"pack-{str(privileged).lower()}"
    work.pulumi("stack", "init", stack, project=project)

    done = work.pulumi("preview", "--stack", stack, "--policy-pack", str(pack), project=project, status=None)

    work.pulumi("stack", "rm", "--yes", stack, project=project)
    assert (done.returncode != 0) is bool(status), done.stdout + done.stderr
    assert ("WS-01" in done.stdout + done.stderr) is privileged


def test_the_platform_itself_passes_the_pack(work: Work, pack: Path) -> None:
    project = work.project("packed")
    work.pulumi("stack", "init", "local-platform", project=project)

    done = work.pulumi("preview", "--stack", "local-platform", "--policy-pack", str(pack), project=project, status=None)

    work.pulumi("stack", "rm", "--yes", "--force", "local-platform", project=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gpuplane" in done.stdout
