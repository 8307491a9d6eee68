"""A cluster that gpuplane created is known by what its stack exports; no other kubeconfig gets a write."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime.proto import resource_pb2
from pydantic import ValidationError

from gpuplane.delivery.offline_engine import RecordingMonitor, run_program
from gpuplane.spec.environment import EnvironmentSettings
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment
from gpuplane.stacks.cluster_identity import CERTIFICATE_AUTHORITY, ENDPOINT, created_mismatch
from gpuplane.stacks.providers import kubernetes_provider
from gpuplane.stacks.upstream import checked_context, require_upstream

ROOT = Path(__file__).resolve().parents[2]
SPEC = load_environment(ROOT / "docs/examples/06-created-cluster/environments", "aws")
HOME, AUTHORITY = "https://8A2B.gr7.eu-central-1.eks.amazonaws.com", base64.b64encode(b"-----the certificate-----\n").decode()
OTHER = base64.b64encode(b"-----another-----\n").decode()


def kubeconfig(path: Path, **changes: Any) -> Path:
    cluster = {"server": HOME, "certificate-authority-data": AUTHORITY} | changes
    path.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "aws", "users": [{"name": "u", "user": {"token": "t"}}],
        "clusters": [{"name": "c", "cluster": {key: value for key, value in cluster.items() if value is not None}}],
        "contexts": [{"name": "aws", "context": {"cluster": "c", "user": "u"}}]}))
    return path


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = kubeconfig(tmp_path / "kubeconfig")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    return path


@pytest.mark.parametrize(("changes", "sentence"), [
    ({}, None),
    ({"server": f"{HOME}/"}, None),
    ({"server": "https://0000.gr7.eu-central-1.eks.amazonaws.com"}, "leads to https://0000"),
    ({"certificate-authority-data": OTHER}, "certificate authority"),
    ({"certificate-authority-data": None}, "certificate authority"),
    ({"insecure-skip-tls-verify": True}, "somebody else could answer"),
    ({"certificate-authority-data": None, "certificate-authority": "ca.pem"}, None),
], ids=["the same", "a slash at the end", "another address", "another authority", "no authority", "unverified", "an authority in a file"])
def test_a_context_is_held_against_what_the_cluster_exports(config: Path, changes: dict[str, Any], sentence: str | None) -> None:
    (config.parent / "ca.pem").write_bytes(base64.b64decode(AUTHORITY))
    kubeconfig(config, **changes)

    found = created_mismatch(SPEC, HOME, AUTHORITY)

    assert (found is None) if sentence is None else (sentence in (found or "") and "environment.yaml:" in (found or ""))


class _Exports(RecordingMonitor):
    """Answers a stack reference as a backend does that has that stack."""

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 the name of the RPC
        layer = request.name.rpartition("-")[2]
        answer = resource_pb2.ReadResourceResponse(urn=self.make_urn(request.parent, request.type, request.name))
        answer.properties.update({"name": request.name, "outputs": {"environment": "aws", "layer": layer, "cluster": "aws", **(
            {ENDPOINT: HOME, CERTIFICATE_AUTHORITY: AUTHORITY} if layer == "cluster" else {})}})
        return answer


@pytest.mark.parametrize("found", [{"environment": "other", "layer": "cluster", "cluster": "aws"}, {"layer": "cluster", "cluster": "aws"}])
def test_a_stack_below_of_another_environment_is_refused(found: dict[str, str]) -> None:
    class Other(RecordingMonitor):
        def ReadResource(self, request: Any) -> Any:  # noqa: N802 the name of the RPC
            answer = resource_pb2.ReadResourceResponse(urn=self.make_urn(request.parent, request.type, request.name))
            answer.properties.update({"name": request.name, "outputs": found})
            return answer

    def below() -> None:
        require_upstream(SPEC, "platform")

    with pytest.raises(pulumi.RunError, match=f"holds environment {found.get('environment')!r}, this one 'aws'"):
        run_program(below, Other("platform"), "aws-platform")


def _registered(layer: str, spec: EnvironmentSpec = SPEC) -> list[dict[str, Any]]:
    monitor = _Exports(layer)
    run_program(lambda: _provider(spec, layer), monitor, f"aws-{layer}")
    return [dict(view.props) for view in monitor.views if view.type == "pulumi:providers:kubernetes"]


def _provider(spec: EnvironmentSpec, layer: str) -> None:
    kubernetes_provider(checked_context(spec, layer, require_upstream(spec, layer)))


@pytest.mark.parametrize("layer", ["platform", "tenants"])
def test_the_provider_has_its_context_from_the_check(config: Path, layer: str) -> None:
    assert _registered(layer) == [{"context": "aws"}]


def test_a_uid_that_is_written_counts_alone(config: Path) -> None:
    kubeconfig(config, server="https://127.0.0.1:8443")  # a tunnel
    document = SPEC.environment
    cluster = document.spec.cluster.model_copy(update={"kube_system_uid": "5d0b3f5e-8f6c-4a41-9d35-0f4f6c1b7a21"})
    pinned = replace(SPEC, environment=document.model_copy(update={"spec": document.spec.model_copy(update={"cluster": cluster})}))

    assert _registered("platform", pinned) == [{"context": "aws"}]


@pytest.mark.parametrize(("aws", "uid", "is_legal"), [
    ("created", None, True), ("created", "5d0b3f5e-8f6c-4a41-9d35-0f4f6c1b7a21", True), ("given", None, False),
    ("given", "5d0b3f5e-8f6c-4a41-9d35-0f4f6c1b7a21", True)])
def test_protected_without_a_uid_is_for_clusters_that_are_created(aws: str, uid: str | None, is_legal: bool) -> None:
    settings = SPEC.environment.spec.model_dump(mode="json", exclude_unset=True)
    settings |= {"protected": True, "cluster": {**settings["cluster"], "kube_system_uid": uid}}
    if aws == "given":
        settings["aws"] = {"account_id": "111122223333", "region": "eu-central-1", "subnet_ids": ["subnet-0a1b2c3d"],
                           "node_role_arn": "arn:aws:iam::111122223333:role/nodes"}
        settings["secret_stores"] = {}

    if is_legal:
        assert EnvironmentSettings.model_validate(settings, strict=False).protected
    else:
        with pytest.raises(ValidationError, match="unless gpuplane creates the cluster"):
            EnvironmentSettings.model_validate(settings, strict=False)
