"""A cluster that gpuplane created, in Pulumi's real state: nothing is written to any other, by our commands or by bare Pulumi."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
from kubernetes import config
from pulumi import automation as auto

from gpuplane.delivery.applying.gate import require_ready
from gpuplane.delivery.applying.states import outputs, resources
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment
from gpuplane.stacks.cluster_identity import CERTIFICATE_AUTHORITY, ENDPOINT
from gpuplane.stacks.program import PROJECT
from gpuplane.stacks.providers import kubernetes_provider
from gpuplane.stacks.upstream import checked_context, export_identity, require_upstream
from tests.integration.cluster import Cluster

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    (tmp_path / "state").mkdir()
    variables = {"PULUMI_BACKEND_URL": f"file://{tmp_path}/state", "PULUMI_CONFIG_PASSPHRASE": "x", "PULUMI_SKIP_UPDATE_CHECK": "true"}
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    yield variables
    shutil.rmtree(tmp_path / "state")


@pytest.fixture
def loops_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pulumi's server leaves the loop of a program open whose last tasks fail while it ends them: the garbage collector would say so in
    any later test."""
    made: list[asyncio.AbstractEventLoop] = []
    new = asyncio.new_event_loop

    def kept() -> asyncio.AbstractEventLoop:
        made.append(new())
        return made[-1]

    monkeypatch.setattr(asyncio, "new_event_loop", kept)
    yield
    for loop in made:
        loop.close()


def _spec(context: str) -> EnvironmentSpec:
    spec = load_environment(ROOT / "docs/examples/06-created-cluster/environments", "aws")
    document = spec.environment
    cluster = document.spec.cluster.model_copy(update={"context": context})
    settings = document.spec.model_copy(update={"cluster": cluster, "protected": True})
    return replace(spec, environment=document.model_copy(update={"spec": settings}))


def _apply(name: str, program: Any, variables: Mapping[str, str]) -> None:
    options = auto.LocalWorkspaceOptions(env_vars=dict(variables), project_settings=auto.ProjectSettings(name=PROJECT, runtime="python"))
    auto.create_or_select_stack(name, project_name=PROJECT, program=program, opts=options).up()


def _created(spec: EnvironmentSpec, variables: Mapping[str, str], *, authority: bytes) -> None:
    """The state of a layer ``cluster`` that has created the cluster of the tests."""
    found = config.new_client_from_config(context=spec.environment.spec.cluster.context).configuration

    def program() -> None:
        export_identity(spec, "cluster")
        pulumi.export(ENDPOINT, found.host)
        pulumi.export(CERTIFICATE_AUTHORITY, base64.b64encode(authority).decode())

    _apply(spec.stack_name("cluster"), program, variables)


def _platform(spec: EnvironmentSpec) -> None:
    """The first lines of the layer, and one object."""
    provider = kubernetes_provider(checked_context(spec, "platform", require_upstream(spec, "platform")))
    pulumi.CustomResource("kubernetes:core/v1:ConfigMap", "made", {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "created-cluster", "namespace": "default"}, "data": {"a": "b"}},
        pulumi.ResourceOptions(provider=provider))


def test_what_the_stack_exports_is_held_against_the_kubeconfig(
        state: dict[str, str], loops_closed: None, cluster: Cluster) -> None:
    spec = _spec(cluster.context)
    authority = Path(config.new_client_from_config(context=cluster.context).configuration.ssl_ca_cert).read_bytes()
    with pytest.raises(CannotStart, match="exports no cluster yet"):
        require_ready(spec, ("platform", "tenants"))
    assert require_ready(spec, ("cluster",))["PULUMI_BACKEND_URL"] == state["PULUMI_BACKEND_URL"]

    _created(spec, state, authority=b"another cluster's")
    with pytest.raises(CannotStart, match="somebody else could answer"):
        require_ready(spec, ("platform",))
    with pytest.raises(auto.CommandError, match="somebody else could answer"):
        _apply(spec.stack_name("platform"), lambda: _platform(spec), state)
    assert [one["type"] for one in resources("aws-platform", state) if one["type"].startswith("kubernetes:")] == []
    assert cluster.get("v1", "ConfigMap", "created-cluster", "default") is None

    _created(spec, state, authority=authority)
    assert outputs("aws-cluster", state)["layer"] == "cluster"
    require_ready(spec, ("platform",))
    _apply(spec.stack_name("platform"), lambda: _platform(spec), state)
    made = cluster.get("v1", "ConfigMap", "created-cluster", "default")
    assert made is not None
    cluster.delete(made)
