"""Large valid environments, to measure on: many tenants with a few services each, on pools of existing nodes of several kinds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = "large"
"""Name of the environment that is written."""
_DIVISIONS = 10
_MANY = 20
"""Tenants from which on there is always somebody to lend the largest GPUs."""
_DRAWN = 2**32


@dataclass(frozen=True)
class _Pool:
    """A kind of node: GPU, host, and devices of a node by profile (empty: whole GPUs)."""

    gpu: str
    label: str
    vcpus: int
    memory_gib: int
    usd_per_hour: int
    devices: Mapping[str, int]


@dataclass(frozen=True)
class _Kind:
    """A service as tenants want it: model, arguments, and where it runs; ``cpu`` and ``memory_gib`` of a replica vary by tenant."""

    model: str
    pool: str
    profile: str
    tensor: int
    length: int
    cpu: int
    memory_gib: int
    pooling: bool = False


_POOLS = {
    "h100": _Pool("H100-SXM-80GB", "NVIDIA-H100-80GB-HBM3", 192, 2048, 24, {"": 8}),
    "a100": _Pool("A100-SXM-80GB", "NVIDIA-A100-SXM4-80GB", 128, 1024, 14, {"": 8}),
    "l40s": _Pool("L40S-48GB", "NVIDIA-L40S", 128, 768, 9, {"": 8}),
    "mig-small": _Pool("A100-SXM-80GB", "NVIDIA-A100-SXM4-80GB", 256, 2048, 14, {"1g.10gb": 56}),
    "mig-mixed": _Pool("A100-SXM-80GB", "NVIDIA-A100-SXM4-80GB", 192, 2048, 14, {"2g.20gb": 16, "3g.40gb": 8}),
}
_EMBEDDINGS = _Kind("BAAI/bge-m3", "mig-small", "1g.10gb", 1, 8192, 1, 12, pooling=True)
_TINY = _Kind("Qwen/Qwen2.5-0.5B-Instruct", "mig-small", "1g.10gb", 1, 8192, 1, 12)
_SMALL = _Kind("Qwen/Qwen2.5-1.5B-Instruct", "mig-mixed", "2g.20gb", 1, 8192, 2, 16)
_MIDDLE = _Kind("Qwen/Qwen3-4B", "mig-mixed", "3g.40gb", 1, 16384, 3, 24)
_CHAT = _Kind("Qwen/Qwen2.5-7B-Instruct", "l40s", "", 1, 16384, 6, 48)
_REASONING = _Kind("Qwen/Qwen3-14B", "a100", "", 1, 16384, 8, 64)
_LARGE = _Kind("Qwen/Qwen3-32B", "h100", "", 2, 16384, 16, 160)
_LARGEST = _Kind("meta-llama/Llama-3.3-70B-Instruct", "h100", "", 4, 16384, 32, 320)
_TURNS = ((_EMBEDDINGS,), (_SMALL, _SMALL, _MIDDLE, _CHAT, _TINY),
          (_LARGEST, _LARGE, _REASONING, _REASONING, *[_EMBEDDINGS] * 6))
"""Kinds of the first service of a tenant, of the second, of the third, and again; tenants take turns."""

_POOL = """\
# yaml-language-server: $schema=../../../docs/schema/node-pool.json
apiVersion: gpuplane/v1
kind: NodePool
metadata:
  name: {name}
spec:
  # Eight GPUs on a node.
  gpu: {gpu}
  existing_nodes:
    node_selector: {{nvidia.com/gpu.product: {label}, gpuplane.dev/pool: {name}}}
    max_nodes: {nodes}
    gpus_per_node: 8
    vcpus_per_node: {vcpus}
    memory_gib_per_node: {memory_gib}
    usd_per_node_hour: {usd_per_hour}
    price_source: made up for measuring
"""
_ENVIRONMENT = f"""\
# yaml-language-server: $schema=../../docs/schema/environment.json
apiVersion: gpuplane/v1
kind: Environment
metadata:
  name: {NAME}
spec:
  cloud: existing
  cluster:
    name: {NAME}
    context: test
    region: eu-central-1
    kubernetes_version: "1.36"
  budget_usd_per_month: 999999999
  kueue: {{install: external, version: 0.19.2}}
  kserve: {{install: external, version: v0.20.0}}
  allowed_registries: [docker.io/vllm/]
  allowed_model_sources: ["hf://Qwen/", "hf://BAAI/", "hf://meta-llama/"]
  cohorts:
    company: {{}}
"""
_OBSERVED = """\
  monitoring: {namespace: monitoring, prometheus_url: "http://prometheus.monitoring.svc:9090", grafana: {}}
  secret_stores:
    vault: {vault: {server: "https://vault.example.com", role_template: "{tenant}", region: eu-central-1}}
"""
_SECRETS = """\
  secrets:
    - {{name: model-hub, store: vault, data: {{HF_TOKEN: {{key: {name}/model-hub, property: token}}}}}}
"""
_TENANT = """\
# yaml-language-server: $schema=../../../docs/schema/tenant.json
apiVersion: gpuplane/v1
kind: Tenant
metadata:
  name: {name}
spec:
  owner: {name}@example.com
  data_classification: {data}
  allowed_regions: [eu-central-1]
  budget_usd_per_month: 100000
  cost_center: cc-{number}
  cohort: division-{division}
  egress:
    - name: model-hub              # through the platform's proxy
      namespace: egress-proxy
      ports: [3128]
  access:
    groups:
      {name}-developers: developer
      {name}-viewers: viewer
  quota:
"""
_QUOTA = """\
    {key}:
      nominal_quota: {nominal}
      borrowing_limit: {borrowing}           # what the other teams leave idle
"""
_SERVICE = """\
# yaml-language-server: $schema=../../../../docs/schema/inference-service.json
apiVersion: gpuplane/v1
kind: InferenceService
metadata:
  name: {name}
spec:
  release:                         # what promotion moves, and nothing else
    model:
      uri: hf://{model}
      revision: a09a35458c702b33eeacc393d103063234e8bc28
    vllm:
      image: docker.io/vllm/vllm-openai@sha256:c1c9f6fd5c109ba7f0546a59f5b2f15fb87f64c77782e90a27b648b42a8e67c3
      version: 0.31.0
      arguments:
        tensor_parallel_size: {tensor}{runner}
        max_model_len: {length}
        gpu_memory_utilization: 0.9
        max_num_seqs: 64
  placement:
    pool: {pool}{profile}
    may_borrow: {may_borrow}
  resources:
    cpu: {cpu}
    memory_gib: {memory_gib}
    shared_memory_gib: {shared}
  scaling:
    min_replicas: 1
    max_replicas: {replicas}
  rollout: {{max_surge: 0}}
  objectives:
    requests_per_second: 0.01
    request_sizes: [{{input_tokens: 512, output_tokens: 128}}]
    ttft_ms: {{p90: 5000}}
    error_percent: 1
  priority: standard
  startup_seconds: 3600
"""


def write_large_environment(folder: Path, tenants: int, services_each: int, bare: bool = False, seed: int = 0) -> Path:
    """Write a valid environment called :data:`NAME` below a folder; the same arguments give the same bytes.

    The pools have as many nodes as the quotas need: 1,000 tenants with three services each take about 200.

    Args:
        folder: the folder of environments.
        tenants: how many tenants.
        services_each: services of each tenant; one quarter of the tenants borrows.
        bare: without what needs more of a cluster than Kueue and KServe: monitoring, and secrets from a store.
        seed: what chance draws tenants from; with 0 they take turns.

    Returns:
        The environment's folder.
    """
    root, promised = folder / NAME, Counter[str]()
    divisions = "".join(f"    division-{number}: {{parent: company}}\n" for number in range(_DIVISIONS))
    _write(root / "environment.yaml", _ENVIRONMENT + divisions + ("" if bare else _OBSERVED))
    for number in range(tenants):
        promised.update(write_tenant(root, number, services_each, lenders=tenants >= _MANY, bare=bare, seed=seed))
    for name, pool in _POOLS.items():
        needed = [-(-promised[_key(name, profile)] // count) for profile, count in pool.devices.items()]
        _write(root / f"node-pools/{name}.yaml", _POOL.format(
            name=name, gpu=pool.gpu, label=pool.label, nodes=max(1, *needed), vcpus=pool.vcpus, memory_gib=pool.memory_gib,
            usd_per_hour=pool.usd_per_hour) + _sharing(pool))
    return root


def write_tenant(root: Path, number: int, services_each: int, cpu: int = 0, lenders: bool = True,
                 bare: bool = False, seed: int = 0) -> Mapping[str, int]:
    """Write one tenant and its services, or write them again.

    Args:
        root: the environment's folder.
        number: which tenant.
        services_each: services of each tenant.
        cpu: cores that its services ask for beyond what they would, to change it.
        lenders: whether there are enough others to borrow the largest GPUs from.
        bare: without secrets.
        seed: as of the environment.

    Returns:
        Its nominal quota, devices by quota key.
    """
    turn = random.Random(f"{seed}/{number}").randrange(_DRAWN) if seed else number
    name, borrows, grows = f"team-{number:05}", turn % 4 == 0, turn % 4 == 1
    kinds = [turns[turn % len(turns)] for service in range(services_each) for turns in [_TURNS[service % len(_TURNS)]]]
    nominal, borrowing = Counter[str](), Counter[str]()
    for service, kind in enumerate(kinds):
        own = 2 if grows and kind is _EMBEDDINGS else 1
        nominal[_key(kind.pool, kind.profile)] += own * kind.tensor
        lent = borrows and (lenders or kind.pool != "h100")
        borrowing[_key(kind.pool, kind.profile)] += kind.tensor if lent else 0
        _write(root / f"services/{name}/model-{service}.yaml", _service(f"model-{service}", kind, turn % 3 + cpu, lent,
                                                                        own + lent))
    quotas = "".join(_QUOTA.format(key=key, nominal=nominal[key], borrowing=borrowing[key]) for key in sorted(nominal))
    secrets = "" if bare else _SECRETS.format(name=name)
    _write(root / f"tenants/{name}.yaml", _TENANT.format(
        name=name, number=number, division=turn % _DIVISIONS, data="pii" if turn % 10 == 0 else "internal") + quotas + secrets)
    return nominal


def _service(name: str, kind: _Kind, more: int, borrows: bool, replicas: int) -> str:
    return _SERVICE.format(
        name=name, model=kind.model, tensor=kind.tensor, length=kind.length, pool=kind.pool,
        runner="\n        runner: pooling" if kind.pooling else "", profile=f"\n    profile: {kind.profile}" if kind.profile else "",
        may_borrow=str(borrows).lower(), cpu=kind.cpu + more, memory_gib=kind.memory_gib + 4 * more, shared=4 * kind.tensor,
        replicas=replicas)


def _sharing(pool: _Pool) -> str:
    layout = ", ".join(f"{profile}: {count // 8}" for profile, count in pool.devices.items() if profile)
    return f"  sharing:\n    mig:\n      layout: {{{layout}}}\n" if layout else ""


def _key(pool: str, profile: str) -> str:
    return f"{pool}/{profile}" if profile else pool


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
