"""One small valid environment as text, to be changed in one place at a time: lines and words of errors depend on the text."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import InvalidSpec, SpecError
from gpuplane.spec.loader import load_environment

IMAGE = "docker.io/vllm/vllm-openai@sha256:" + "4e1c" * 16

ENVIRONMENT = """\
apiVersion: gpuplane/v1
kind: Environment
metadata:
  name: test
spec:
  cloud: existing
  cluster:
    name: test
    context: test
    kubernetes_version: "1.36"
  budget_usd_per_month: 50000
  kueue: {install: external, version: 0.19.2}
  kserve: {install: external, version: v0.20.0}
  cohorts:
    shared: {}
  secret_stores:
    vault-a:
      aws_secrets_manager:
        region: eu-central-1
        role_arn_template: "arn:aws:iam::111122223333:role/{tenant}"
  allowed_registries: [docker.io/vllm/]
  allowed_model_sources: ["hf://Qwen/"]
"""
POOL = """\
apiVersion: gpuplane/v1
kind: NodePool
metadata:
  name: h100
spec:
  gpu: H100-SXM-80GB
  existing_nodes:
    node_selector: {rack: a}
    max_nodes: 2
    gpus_per_node: 8
    vcpus_per_node: 96
    memory_gib_per_node: 1024
    usd_per_node_hour: 24
    price_source: asset ledger
"""
MIG_POOL = """\
apiVersion: gpuplane/v1
kind: NodePool
metadata:
  name: a100-mig
spec:
  gpu: A100-SXM-80GB
  existing_nodes:
    node_selector: {rack: b}
    max_nodes: 1
    gpus_per_node: 2
    vcpus_per_node: 96
    memory_gib_per_node: 1024
    usd_per_node_hour: 5.25
    price_source: asset ledger
  sharing:
    mig:
      layout: {1g.10gb: 2, 2g.20gb: 1}
"""
TENANT = """\
apiVersion: gpuplane/v1
kind: Tenant
metadata:
  name: acme
spec:
  owner: acme-platform@example.com
  data_classification: pii
  allowed_regions: [eu-central-1]
  budget_usd_per_month: 30000
  cohort: shared
  quota:
    h100: 8
    a100-mig/1g.10gb:
      nominal_quota: 2
      lending_limit: 1
  egress:
    - name: proxy
      namespace: egress-proxy
      ports: [3128]
  secrets:
    - name: hub
      store: vault-a
      data:
        token: {key: acme/hub}
"""
SERVICE = f"""\
apiVersion: gpuplane/v1
kind: InferenceService
metadata:
  name: chat
spec:
  release:
    model:
      uri: hf://Qwen/Qwen2.5-7B-Instruct
      revision: a09a35458c702b33eeacc393d103063234e8bc28
    vllm:
      image: {IMAGE}
      version: 0.31.0
      arguments:
        max_model_len: 8192
  placement:
    pool: h100
  resources:
    cpu: 8
    memory_gib: 64
  scaling:
    min_replicas: 1
    max_replicas: 2
  objectives:
    requests_per_second: 4
    request_sizes:
      - input_tokens: 1000
        output_tokens: 250
        share: 1
    ttft_ms:
      p99: 1000
"""
EXEMPTIONS = """\
apiVersion: gpuplane/v1
kind: Exemptions
metadata:
  name: test
spec:
  exemptions:
    - rule: WS-01
      resource: {kind: DaemonSet, name: driver, namespace: gpu-operator}
      owner: platform
      reason: the driver container loads a kernel module
      approval: https://example.com/changes/7
      expires: 2027-03-31
"""
THROUGHPUT = """\
apiVersion: gpuplane/v1
kind: ThroughputProfile
metadata:
  name: qwen-h100
spec:
  model: hf://Qwen/Qwen2.5-7B-Instruct
  gpu: H100-SXM-80GB
  engine: vllm
  engine_version: 0.31.0
  provenance: measured
  source: vllm bench serve, random data set
  as_of: "2026-10-01"
  request_sizes:
    - input_tokens: 1024
      output_tokens: 256
      points:
        - requests_per_second: 4.5
          ttft_ms: {p99: 900}
"""
RUNTIME = """\
apiVersion: gpuplane/v1
kind: Runtime
metadata:
  name: tiny
spec:
  title: Tiny server
  description: A server of our own that answers over HTTP.
  source: our own documentation 1.0
  as_of: "2026-10-01"
  model_formats: [tiny]
  protocol_versions: [v2]
  accelerators: [nvidia.com]
  command: [tiny-server]
  args: ["--models={model_directory}", "--port={port}"]
  port: 8080
  readiness_path: /ready
  liveness_path: /live
  drain: {method: argument, argument: "--drain={drain_seconds}", since: 2.0.0}
  read_only_root: true
  writable_directories: [/tmp]
  arguments:
    batch_size: {type: integer, flag: --batch, description: Largest batch., minimum: 1, maximum: 64}
    precision: {type: choice, flag: --precision, description: Type of the weights., choices: [fp16, fp32]}
    gpus: {type: integer, flag: --gpus, description: GPUs of a replica., minimum: 1, default: 1}
    verbose: {type: boolean, flag: --verbose, description: Says more.}
    share: {type: number, flag: --share, description: Share of memory., minimum: 0.1, maximum: 1}
    label: {type: string, flag: --label, description: A label., pattern: "[a-z]+"}
  device_arguments: [gpus]
"""
VALID = {
    "environment.yaml": ENVIRONMENT,
    "node-pools/h100.yaml": POOL,
    "node-pools/a100-mig.yaml": MIG_POOL,
    "tenants/acme.yaml": TENANT,
    "services/acme/chat.yaml": SERVICE,
    "exemptions.yaml": EXEMPTIONS,
    "throughput/qwen-h100.yaml": THROUGHPUT,
    "../runtimes/tiny.yaml": RUNTIME,
}


@dataclass
class Wish:
    """The files of one environment, below ``folder/test``."""

    folder: Path
    files: dict[str, str] = field(default_factory=lambda: dict(VALID))

    def change(self, file: str, old: str, new: str) -> Wish:
        """Replace text that a file has exactly once."""
        assert self.files[file].count(old) == 1, f"{old!r} is {self.files[file].count(old)} times in {file}"
        self.files[file] = self.files[file].replace(old, new)
        return self

    def write(self) -> Path:
        """Write the files; returns the folder of environments."""
        for name, text in self.files.items():
            path = self.folder / "test" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self.folder

    def load(self) -> EnvironmentSpec:
        """Write and load."""
        return load_environment(self.write(), "test")

    def errors(self) -> tuple[SpecError, ...]:
        """What loading refuses; empty where it does not."""
        try:
            self.load()
        except InvalidSpec as invalid:
            return invalid.errors
        return ()

    def error(self) -> SpecError:
        """The one error that loading must give."""
        errors = self.errors()
        assert len(errors) == 1, "\n".join(map(str, errors)) or "nothing was refused"
        return errors[0]

    def line(self, file: str, marker: str) -> int:
        """Number of the first line of a file that holds a text."""
        return next(number for number, line in enumerate(self.files[file].splitlines(), 1) if marker in line)
