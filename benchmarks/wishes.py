"""Large valid environments, to measure on: many tenants, each with a few services, on pools of existing nodes."""

from __future__ import annotations

from pathlib import Path

NAME = "large"
"""Name of the environment that is written."""
_GPUS_PER_POOL = 8_000
_POOL = """\
# yaml-language-server: $schema=../../../docs/schema/node-pool.json
apiVersion: gpuplane/v1
kind: NodePool
metadata:
  name: {name}
spec:
  # Whole GPUs, eight on a node.
  gpu: H100-SXM-80GB
  existing_nodes:
    node_selector: {{nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3, gpuplane.dev/pool: {name}}}
    max_nodes: 1000
    gpus_per_node: 8
    vcpus_per_node: 192
    memory_gib_per_node: 2048
    usd_per_node_hour: 24
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
    kubernetes_version: "1.36"
  budget_usd_per_month: 999999999
  kueue: {{install: external, version: 0.19.2}}
  kserve: {{install: external, version: v0.20.0}}
  cohorts:
    shared: {{}}
  allowed_registries: [docker.io/vllm/]
  allowed_model_sources: ["hf://Qwen/"]
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
  cohort: shared
  quota:
    {pool}:
      nominal_quota: {quota}
      borrowing_limit: 1
      lending_limit: 1             # customers wait for the others
  egress:
    - name: model-hub              # through the platform's proxy
      namespace: egress-proxy
      ports: [3128]
  access:
    admins: [{name}-admins]
    viewers: [{name}-viewers]
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
      uri: hf://Qwen/Qwen2.5-7B-Instruct
      revision: a09a35458c702b33eeacc393d103063234e8bc28
    vllm:
      image: docker.io/vllm/vllm-openai@sha256:c1c9f6fd5c109ba7f0546a59f5b2f15fb87f64c77782e90a27b648b42a8e67c3
      version: 0.31.0
      arguments:
        max_model_len: 16384
        gpu_memory_utilization: 0.9
        max_num_seqs: 128
  placement:
    pool: {pool}
  resources:
    cpu: 8
    memory_gib: 64
    shared_memory_gib: 4
  scaling:
    min_replicas: 1
    max_replicas: 2
  priority: standard
"""


def write_large_environment(folder: Path, tenants: int, services_each: int) -> Path:
    """Write a valid environment called :data:`NAME` below a folder; the same arguments give the same bytes.

    Args:
        folder: the folder of environments.
        tenants: how many tenants.
        services_each: services of each tenant, of one GPU and at most two replicas each.

    Returns:
        The environment's folder.
    """
    root, quota = folder / NAME, max(1, 2 * services_each)
    per_pool = max(1, _GPUS_PER_POOL // quota)
    _write(root / "environment.yaml", _ENVIRONMENT)
    for number in range(max(1, -(-tenants // per_pool))):
        _write(root / f"node-pools/h100-{number}.yaml", _POOL.format(name=f"h100-{number}"))
    for number in range(tenants):
        name, pool = f"team-{number:05}", f"h100-{number // per_pool}"
        data = "pii" if number % 10 == 0 else "internal"
        _write(root / f"tenants/{name}.yaml", _TENANT.format(name=name, number=number, data=data, pool=pool, quota=quota))
        for service in range(services_each):
            _write(root / f"services/{name}/model-{service}.yaml", _SERVICE.format(name=f"model-{service}", pool=pool))
    return root


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
