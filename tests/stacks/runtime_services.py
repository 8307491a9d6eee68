"""One service of each runtime, as a wish: for golden manifests, for tables of wrong values, and for a real cluster."""

from __future__ import annotations

from pathlib import Path

from tests.spec.wish import IMAGE, Wish

_DIGEST = "@sha256:" + "5a1e" * 16
_VLLM = f"    vllm:\n      image: {IMAGE}\n      version: 0.31.0\n      arguments:\n        max_model_len: 8192\n"
_QWEN = "      uri: hf://Qwen/Qwen2.5-7B-Instruct\n      revision: a09a35458c702b33eeacc393d103063234e8bc28\n"
_BUCKET = "      uri: s3://models/NAME\n      revision: 3f9b51c0d2aa47e8\n"
_TRITON = """\
    triton:
      image: nvcr.io/nvidia/tritonserver@sha256:5a1e5a1e5a1e5a1e5a1e5a1e5a1e5a1e5a1e5a1e5a1e5a1e5a1e5a1e5a1e5a1e
      version: "26.07"
      models:
        - name: resnet50
          backend: onnxruntime
          max_batch_size: 32
          dynamic_batching: {preferred_batch_sizes: [8, 16], max_queue_delay_microseconds: 500}
          instance_count: 2
        - name: detector
          backend: tensorrt
          max_batch_size: 8
"""


def _runtime(name: str, image: str, version: str, rest: str = "") -> str:
    return f'    runtime:\n      name: {name}\n      image: {image}{_DIGEST}\n      version: "{version}"\n{rest}'


SERVERS = {
    "vllm": (_QWEN, _VLLM),
    "triton": (_BUCKET.replace("NAME", "vision"), _TRITON),
    "onnxruntime": ("      uri: pvc://models/resnet50\n      revision: 3f9b51c0d2aa47e8\n", _runtime(
        "onnxruntime", "nvcr.io/nvidia/tritonserver", "26.07", "      arguments: {default_max_batch_size: 16}\n")),
    "tensorrt-llm": (_QWEN, _runtime(
        "tensorrt-llm", "nvcr.io/nvidia/tensorrt-llm/release", "1.2.0rc6",
        "      devices: 2\n      arguments: {tensor_parallel_size: 2, max_seq_len: 8192, enable_chunked_prefill: true}\n")),
    "huggingface": (_QWEN, _runtime(
        "huggingface", "docker.io/kserve/huggingfaceserver", "0.20.0", "      arguments: {task: text_generation, dtype: bfloat16}\n")),
    "ray-serve": ("      uri: oci://registry.example.com/apps/summary@sha256:" + "77aa" * 16 + "\n",
                  _runtime("ray-serve", "docker.io/rayproject/ray", "2.56.0")),
    "custom": (_BUCKET.replace("NAME", "scorer").replace("s3://", "gs://"), _runtime("custom", "docker.io/vllm/scorer", "1.4.2")),
    "tiny": (_BUCKET.replace("NAME", "tiny"), _runtime(
        "tiny", "docker.io/vllm/tiny", "1.9.0", "      arguments: {batch_size: 8, precision: fp16, verbose: true, share: 0.5, label: abc}\n")),
}
"""Model and server of a service, by runtime; ``tiny`` is the wish's own."""


def service_of(wish: Wish, runtime: str) -> Wish:
    """The wish with its service served by another runtime."""
    model, server = SERVERS[runtime]
    service = wish.files["services/acme/chat.yaml"]
    objectives = service.index("  objectives:")
    wish.files["services/acme/chat.yaml"] = service[:objectives].replace(_QWEN, model).replace(_VLLM, server)
    # An existing cluster has no region, and so personal data has no place on it.
    return wish.change("tenants/acme.yaml", "  data_classification: pii\n  allowed_regions: [eu-central-1]\n",
                       "  data_classification: internal\n")


def wish_of(folder: Path, runtime: str) -> Wish:
    """A new wish in a folder, with its service served by a runtime."""
    return service_of(Wish(folder), runtime)
