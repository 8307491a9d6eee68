"""One LLMInferenceService of each shape, as a wish: for golden manifests, for tables of wrong values, and for a real cluster."""

from __future__ import annotations

from pathlib import Path

from tests.spec.wish import SERVICE, Wish

FILE = "services/acme/chat.yaml"
_MOE = "      uri: hf://Qwen/Qwen3-30B-A3B\n"
_SCHEDULER = "  router: {scheduler: {}}\n"
PROXY = "  router: {scheduler: {proxy: {image: \"docker.io/envoyproxy/envoy@sha256:" + "e" * 64 + "\"}}}\n"
"""A proxy of the service's own before its endpoint picker."""
SHAPES = {
    "tensor": "  parallelism: {tensor: 2}\n",
    "pipeline": "  parallelism: {tensor: 1, pipeline: 2}\n",
    "data": "  parallelism: {data: 4, data_local: 2, expert: true}\n",
    "data-in-one-pod": "  parallelism: {data: 2, data_local: 2}\n",
    "prefill": _SCHEDULER + "  prefill:\n    replicas: 2\n    parallelism: {tensor: 1}\n    resources: {cpu: 8, memory_gib: 48}\n",
    "adapters": _SCHEDULER + """\
  lora:
    max_rank: 32
    max_adapters: 2
    adapters:
      - {name: legal, uri: "hf://Qwen/legal-lora", revision: 0123456789ab}
      - {name: sales, uri: "s3://models/sales-lora", revision: 3f9b51c0d2aa47e8}
""",
    "offloading": "  kv_cache_offloading: {cpu_gib: 16, eviction_policy: arc}\n",
    "speculative": "",
}
"""What each shape says beside release and placement."""


def llm_wish(folder: Path, shape: str, name: str = "chat") -> Wish:
    """A new wish in a folder, with one LLMInferenceService of a shape."""
    wish = Wish(folder)
    service = SERVICE.replace("kind: InferenceService", "kind: LLMInferenceService").replace("max_replicas: 2", "max_replicas: 1")
    service = service[:service.index("  objectives:")].replace("  name: chat\n", f"  name: {name}\n") + SHAPES[shape]
    if shape == "data":
        service = service.replace("      uri: hf://Qwen/Qwen2.5-7B-Instruct\n", _MOE)
    if shape == "speculative":
        service = service.replace("max_model_len: 8192\n", "max_model_len: 8192\n        enable_prefix_caching: true\n        speculative_config: "
                                  "{method: ngram, num_speculative_tokens: 4}\n")
    if name != "chat":
        del wish.files[FILE]
    wish.files[f"services/acme/{name}.yaml"] = service
    wish.change("environment.yaml", "  cohorts:\n", "  leader_worker_set: {install: external, version: 0.10.0}\n  cohorts:\n")
    wish.change("environment.yaml", "    context: test\n", "    context: test\n    api_server_cidrs: [10.0.0.10/32]\n")
    # An existing cluster has no region, and so personal data has no place on it.
    return wish.change("tenants/acme.yaml", "  data_classification: pii\n  allowed_regions: [eu-central-1]\n",
                       "  data_classification: internal\n")
