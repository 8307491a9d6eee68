"""Pulumi Kubernetes Operator: a Stack for each layer, each after the one below it. The program they run brings its own gate.

Fields are those of ``pulumi.com/v1`` (operator 2.x).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpuplane.spec.delivered_by import PulumiOperator
from gpuplane.spec.environment_spec import EnvironmentSpec

FOLDER = "pulumi-operator"


def stack_objects(spec: EnvironmentSpec, settings: PulumiOperator) -> Mapping[str, dict[str, Any]]:
    """The Stack of each layer by the path of its file below the rendered folder."""
    found, before = {}, None
    for layer in spec.layers:
        found[f"{FOLDER}/{spec.stack_name(layer)}.yaml"] = _stack(spec, settings, layer, before)
        before = spec.stack_name(layer)
    return found


def _stack(spec: EnvironmentSpec, settings: PulumiOperator, layer: str, before: str | None) -> dict[str, Any]:
    source, name = settings.source, spec.stack_name(layer)
    body: dict[str, Any] = {
        "stack": name, "projectRepo": source.url, "branch": f"refs/heads/{source.revision}", "repoDir": source.path, "shallow": True,
        "serviceAccountName": settings.service_account, "refresh": True, "destroyOnFinalize": False, "continueResyncOnCommitMatch": True,
        "resyncFrequencySeconds": 3600, "config": {"gpuplane:environment": spec.name, "gpuplane:layer": layer}}
    if source.credentials_secret is not None:
        body["gitAuthSecret"] = source.credentials_secret
    if spec.environment.spec.state_backend is not None:
        body["backend"] = spec.environment.spec.state_backend
    secrets = {"PULUMI_ACCESS_TOKEN": (settings.access_token_secret, "accessToken"),
               "PULUMI_CONFIG_PASSPHRASE": (settings.passphrase_secret, "passphrase")}
    if named := {key: {"type": "Secret", "secret": {"name": secret, "key": field}} for key, (secret, field) in secrets.items() if secret}:
        body["envRefs"] = named
    if before is not None:
        body["prerequisites"] = [{"name": before, "requirement": {"succeededWithinDuration": "2h"}}]
    return {"apiVersion": "pulumi.com/v1", "kind": "Stack", "metadata": {"name": name, "namespace": settings.namespace}, "spec": body}
