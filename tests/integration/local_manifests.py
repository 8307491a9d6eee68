"""What the cluster that KUBECONFIG names has of Kueue and KServe, as manifests that another cluster can be made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gpuplane.components.model_storage import STORAGE_CONTAINER
from gpuplane.delivery.rehearsal.api_server import ApiServer

GROUPS = ("kueue.x-k8s.io", "serving.kserve.io")
_KEPT = ("name", "namespace", "annotations", "labels")


def write_manifests(folder: Path, llm: bool = False) -> Path:
    """One file; managers' webhooks as they are called there.

    Args:
        llm: with LLMInferenceServices; else they are left out, also where the cluster has them.
    """
    server = ApiServer()
    definitions = [one for one in _list(server, "CustomResourceDefinition")
                   if one["spec"]["group"] in GROUPS and (llm or not one["metadata"]["name"].startswith("llm"))]
    hooks = [one for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration") for one in _list(server, kind)]
    settings = [one for one in _list(server, "ConfigMap") if one["metadata"]["name"] == "inferenceservice-config"]
    # Ours is there for as long as a test beside this one has applied a platform.
    classes = [one for one in _list(server, "ClusterStorageContainer") if one["metadata"]["name"] != STORAGE_CONTAINER]
    presets = _list(server, "LLMInferenceServiceConfig") if llm else []
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifests.json").write_text(json.dumps([*definitions, *hooks, *settings, *classes, *presets]))
    return folder


def _list(server: ApiServer, kind: str) -> list[dict[str, Any]]:
    found = next(each for (_, name), each in server.kinds.items() if name == kind)
    return [_bare(one, found.api_version, kind) for one in server.list(found)]


def _bare(one: dict[str, Any], api_version: str, kind: str) -> dict[str, Any]:
    metadata = {key: one["metadata"][key] for key in _KEPT if key in one["metadata"]}
    return {**{key: value for key, value in one.items() if key not in ("status", "metadata")}, "apiVersion": api_version, "kind": kind,
            "metadata": metadata}
