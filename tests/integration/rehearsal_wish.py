"""A small environment for rehearsals: eight GPUs on two nodes, a tenant that lends and one that bursts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.planning.wish import EXISTING, Wish, document

RACK = {**EXISTING, "node_selector": {"example.com/rack": "rehearsed"}, "max_nodes": 2, "gpus_per_node": 4,
        "zones": {"east": 1, "west": 1}}
_ENVIRONMENT: dict[str, Any] = {
    "cloud": "existing", "budget_usd_per_month": 100_000, "cluster": {"name": "small", "context": "test", "kubernetes_version": "1.36"},
    "kueue": {"install": "external", "version": "0.19.2"}, "kserve": {"install": "external", "version": "v0.20.0"},
    "cohorts": {"all": {}}, "allowed_registries": ["docker.io/vllm/"], "allowed_model_sources": ["hf://Qwen/"]}


def small() -> Wish:
    """acme has six GPUs and lends four; beta has two, may borrow four, and its batch would take six."""
    wish = Wish({"environment": document("Environment", "prod", _ENVIRONMENT)})
    wish.pool("rack", "H100-SXM-80GB", existing_nodes=RACK)
    wish.tenant("rehearsed-acme", {"rack": {"nominal_quota": 6, "lending_limit": 4}}, cohort="all")
    wish.tenant("rehearsed-beta", {"rack": {"nominal_quota": 2, "borrowing_limit": 4}}, cohort="all")
    wish.service("rehearsed-acme/chat", "rack", scaling={"min_replicas": 1, "max_replicas": 4}, rollout={"max_surge": 1})
    wish.service("rehearsed-beta/rank", "rack", scaling={"min_replicas": 1, "max_replicas": 6}, priority="batch")
    return wish.put("services/rehearsed-beta/rank spec.placement.may_borrow", True)


def as_llm(wish: Wish, name: str) -> Wish:
    """The same with a service as an LLMInferenceService."""
    service = wish.documents[f"services/{name}"]
    service["kind"] = "LLMInferenceService"
    del service["spec"]["rollout"]
    service["spec"]["release"]["vllm"]["arguments"] = {}
    return wish


def written(wish: Wish, folder: Path) -> Path:
    """The environments' folder with this one in it."""
    for path, content in wish.documents.items():
        file = folder / "prod" / f"{path}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return folder
