"""Pulumi Kubernetes Operator: a Stack for each layer or tenant, each after the layer below it. The program they run brings its own gate.

Fields are those of ``pulumi.com/v1`` (operator 2.x).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpuplane.spec.delivered_by import PulumiOperator
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

FOLDER = "pulumi-operator"


def stack_objects(spec: EnvironmentSpec, settings: PulumiOperator) -> Mapping[str, dict[str, Any]]:
    """The Stack of each layer, or of each tenant where the environment has ``tenant_stacks``, by the path of its file."""
    found: dict[str, dict[str, Any]] = {}
    before: tuple[str, ...] = ()
    for layer in spec.layers:
        keys = {spec.stack_name(layer, key.tenant): key for key in spec.stacks_of(layer)}
        found.update({f"{FOLDER}/{name}.yaml": _stack(spec, settings, name, key, before) for name, key in keys.items()})
        before = tuple(keys)
    return found


def _stack(spec: EnvironmentSpec, settings: PulumiOperator, name: str, key: StackKey, before: tuple[str, ...]) -> dict[str, Any]:
    source = settings.source
    body: dict[str, Any] = {
        "stack": name, "projectRepo": source.url, "branch": f"refs/heads/{source.revision}", "repoDir": source.path, "shallow": True,
        "serviceAccountName": settings.service_account, "refresh": True, "destroyOnFinalize": False, "continueResyncOnCommitMatch": True,
        "resyncFrequencySeconds": 3600, "config": {"gpuplane:environment": spec.name, "gpuplane:layer": key.layer,
                                                   **({"gpuplane:tenant": key.tenant} if key.tenant else {})}}
    if source.credentials_secret is not None:
        body["gitAuthSecret"] = source.credentials_secret
    if spec.environment.spec.state_backend is not None:
        body["backend"] = spec.environment.spec.state_backend
    if spec.environment.spec.secrets_provider is not None:
        body["secretsProvider"] = spec.environment.spec.secrets_provider
    secrets = {"PULUMI_ACCESS_TOKEN": (settings.access_token_secret, "accessToken"),
               "PULUMI_CONFIG_PASSPHRASE": (settings.passphrase_secret, "passphrase")}
    if named := {key: {"type": "Secret", "secret": {"name": secret, "key": field}} for key, (secret, field) in secrets.items() if secret}:
        body["envRefs"] = named
    if before:
        body["prerequisites"] = [{"name": each, "requirement": {"succeededWithinDuration": "2h"}} for each in before]
    return {"apiVersion": "pulumi.com/v1", "kind": "Stack", "metadata": {"name": name, "namespace": settings.namespace}, "spec": body}
