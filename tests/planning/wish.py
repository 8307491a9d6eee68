"""One valid small environment as plain documents, to be changed one field at a time and loaded from real files."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from gpuplane.catalog import default_catalog
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment

AS_OF = date(2026, 8, 1)
DIGEST = "docker.io/vllm/vllm-openai@sha256:" + "a" * 64
EKS = {"instance_type": "p5.48xlarge", "release_version": "1.36.3-20261104", "min_nodes": 0, "max_nodes": 1}
EXISTING = {"node_selector": {"rack": "a"}, "max_nodes": 2, "gpus_per_node": 8, "vcpus_per_node": 128,
            "memory_gib_per_node": 1024, "usd_per_node_hour": 20, "price_source": "asset ledger 2026"}


def document(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope around a spec."""
    return {"apiVersion": "gpuplane/v1", "kind": kind, "metadata": {"name": name}, "spec": copy.deepcopy(dict(spec))}


def _environment() -> dict[str, Any]:
    return {
        "cloud": "aws", "budget_usd_per_month": 100_000,
        "aws": {"account_id": "123456789012", "region": "us-east-1", "subnet_ids": ["subnet-0123456789abcdef0"],
                "node_role_arn": "arn:aws:iam::123456789012:role/gpu-nodes"},
        "cluster": {"name": "prod", "context": "prod", "kubernetes_version": "1.36"},
        "kueue": {"install": "release", "version": "0.19.2"}, "kserve": {"install": "release", "version": "v0.20.0"},
        "cohorts": {"all": {}}, "allowed_registries": ["docker.io/vllm/"], "allowed_model_sources": ["hf://Qwen/"]}


@dataclass
class Wish:
    """Documents by their path in the environment's folder; every change returns the wish itself."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, path: str, value: Any) -> Wish:
        """Set one field, e.g. ``tenants/acme spec.quota.h100``; keys with dots come last, after a ``|``."""
        file, _, dotted = path.partition(" ")
        steps = dotted.partition("|")[0].split(".") + ([dotted.partition("|")[2]] if "|" in dotted else [])
        at = self.documents[file]
        for step in steps[:-1]:
            at = at.setdefault(step, {})
        at[steps[-1]] = copy.deepcopy(value)
        return self

    def drop(self, path: str) -> Wish:
        """Remove one field."""
        file, _, dotted = path.partition(" ")
        at = self.documents[file]
        for step in dotted.split(".")[:-1]:
            at = at[step]
        del at[dotted.split(".")[-1]]
        return self

    def pool(self, name: str, gpu: str, **spec: Any) -> Wish:
        """Add a pool."""
        self.documents[f"node-pools/{name}"] = document("NodePool", name, {"gpu": gpu, **spec})
        return self

    def tenant(self, name: str, quota: Mapping[str, Any], **spec: Any) -> Wish:
        """Add a tenant."""
        fields = {"owner": f"team-{name}", "data_classification": "internal", "budget_usd_per_month": 50_000,
                  "quota": dict(quota)}
        self.documents[f"tenants/{name}"] = document("Tenant", name, {**fields, **spec})
        return self

    def service(self, name: str, pool: str, **spec: Any) -> Wish:
        """Add a service, ``tenant/name``; one GPU, one replica, small."""
        placement = {"pool": pool.partition("/")[0], **({"profile": pool.partition("/")[2]} if "/" in pool else {})}
        fields: dict[str, Any] = {
            "release": {"model": {"uri": "hf://Qwen/Qwen3-8B", "revision": "0123456789ab"},
                        "vllm": {"image": DIGEST, "version": "0.33.0", "arguments": {"tensor_parallel_size": 1}}},
            "placement": placement, "resources": {"cpu": 4, "memory_gib": 32}, "scaling": {"min_replicas": 1, "max_replicas": 1},
            "rollout": {"max_surge": 0}}
        self.documents[f"services/{name}"] = document("InferenceService", name.partition("/")[2], {**fields, **spec})
        return self

    def spec(self) -> EnvironmentSpec:
        """Write the files, read them back."""
        with TemporaryDirectory() as folder:
            for path, content in self.documents.items():
                file = Path(folder, "prod", f"{path}.yaml")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
            return load_environment(Path(folder), "prod")

    def plan(self, as_of: date = AS_OF) -> EnvironmentPlan:
        """What follows from it."""
        return plan(self.spec(), default_catalog(), as_of)

    def line(self, path: str) -> int:
        """Line of a top-level field of a spec as it is written, e.g. ``tenants/acme quota``."""
        file, _, text = path.partition(" ")
        lines = yaml.safe_dump(self.documents[file], sort_keys=False).splitlines()
        return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(f"{text}:"))


def valid() -> Wish:
    """Two tenants on one node of eight H100s: acme has six (two services), beta two and may borrow."""
    wish = Wish({"environment": document("Environment", "prod", _environment())})
    wish.pool("h100", "H100-SXM-80GB", eks_managed_node_group=EKS)
    wish.tenant("acme", {"h100": 6}, cohort="all")
    wish.tenant("beta", {"h100": {"nominal_quota": 2, "borrowing_limit": 4}}, cohort="all")
    wish.service("acme/chat", "h100", scaling={"min_replicas": 1, "max_replicas": 2}, rollout={"max_surge": 1})
    wish.service("acme/embed", "h100", scaling={"min_replicas": 1, "max_replicas": 3})
    wish.service("beta/rank", "h100", scaling={"min_replicas": 1, "max_replicas": 2})
    return wish
