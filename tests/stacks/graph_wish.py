"""One environment whose services answer together, as a wish."""

from __future__ import annotations

from pathlib import Path

from tests.spec.wish import Wish

FILE = "services/acme/answer.yaml"
GRAPH = """\
apiVersion: gpuplane/v1
kind: InferenceGraph
metadata:
  name: answer
spec:
  latency_p99_ms: 3000
  nodes:
    root:
      router_type: Sequence
      steps:
        - {service: chat, dependency: Hard}
        - {node: check, data: "$response"}
    check:
      router_type: Splitter
      steps:
        - {service: guard, weight: 80}
        - {node: both, weight: 20}
    both:
      router_type: Ensemble
      steps: [{service: guard}, {service: judge}]
"""
_PROMISE = "    latency_ms: {p99: MILLISECONDS}\n"
_PROFILE = "          ttft_ms: {p99: 900}\n          latency_ms: {p99: 400}\n"


def graph_wish(folder: Path) -> Wish:
    """A graph of three services: chat promises 1500 ms, guard 400 and judge 900."""
    wish = Wish(folder)
    chat = wish.files["services/acme/chat.yaml"].replace("max_replicas: 2", "max_replicas: 1").replace("requests_per_second: 4", "requests_per_second: 1")
    for name, promise in (("chat", 1500), ("guard", 400), ("judge", 900)):
        wish.files[f"services/acme/{name}.yaml"] = chat.replace("  name: chat\n", f"  name: {name}\n") + _PROMISE.replace("MILLISECONDS", str(promise))
    wish.files[FILE] = GRAPH
    wish.change("throughput/qwen-h100.yaml", "          ttft_ms: {p99: 900}\n", _PROFILE)
    # An existing cluster has no region, and so personal data has no place on it.
    return wish.change("tenants/acme.yaml", "  data_classification: pii\n  allowed_regions: [eu-central-1]\n",
                       "  data_classification: internal\n")
