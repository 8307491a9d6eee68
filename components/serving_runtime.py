"""Model servers that every tenant's InferenceServices name: vLLM and Triton.

They bear names of our own and no ``server-type`` annotation: KServe rewrites the image of a runtime it
takes for one of its own (to ``-cpu`` or ``-gpu``) when it misreads the GPU resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.spec.vocabulary import KSERVE_RUNTIME

Engine = Literal["vllm", "triton"]

RUNTIMES: Mapping[Engine, str] = {"vllm": "gpuplane-vllm", "triton": "gpuplane-triton"}
"""ClusterServingRuntime of each engine."""
HTTP_PORTS: Mapping[Engine, int] = {"vllm": 8080, "triton": 8080}
HEALTH_PATHS: Mapping[Engine, str] = {"vllm": "/health", "triton": "/v2/health/ready"}
METRICS_PORTS: Mapping[Engine, int] = {"vllm": 8080, "triton": 8002}


@dataclass(frozen=True)
class ServingRuntimeArgs:
    """An engine, and the image it has where a service names none (each of gpuplane's services does)."""

    engine: Engine
    image: str


class ServingRuntime(pulumi.ComponentResource):
    """One ClusterServingRuntime."""

    def __init__(self, name: str, args: ServingRuntimeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:ServingRuntime", name, {"engine": args.engine}, opts)
        KubernetesObject(RUNTIMES[args.engine], manifest(args), child_options(self, opts))
        self.register_outputs({"name": RUNTIMES[args.engine]})


def manifest(args: ServingRuntimeArgs) -> Manifest:
    """The ClusterServingRuntime as its API takes it."""
    port = METRICS_PORTS[args.engine]
    return {
        "apiVersion": KSERVE_RUNTIME, "kind": "ClusterServingRuntime", "metadata": metadata(RUNTIMES[args.engine]),
        "spec": {
            "annotations": {"prometheus.kserve.io/path": "/metrics", "prometheus.kserve.io/port": str(port)},
            "containers": [_container(args)], "multiModel": False,
            "protocolVersions": ["v1", "v2"] if args.engine == "vllm" else ["v2", "grpc-v2"],
            "supportedModelFormats": [{"name": name, "version": "1", "autoSelect": False}
                                      for name in (("vLLM",) if args.engine == "vllm" else ("onnx", "triton"))],
        }}


def _container(args: ServingRuntimeArgs) -> dict[str, Any]:
    small = {"cpu": "1", "memory": "2Gi"}
    return {
        "name": "kserve-container", "image": args.image, **_PROCESS[args.engine],
        # Requests and limits of a service take the place of these; without any, the pod would be refused.
        "resources": {"requests": small, "limits": small},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "privileged": False,
                            "runAsNonRoot": True},
    }


# A random user id has no home and no passwd entry: caches go to /tmp, and getpass() needs a user name.
_HOME = [{"name": "HOME", "value": "/tmp"}, {"name": "USER", "value": "model-server"}]  # noqa: S108
_PROCESS: Mapping[Engine, dict[str, Any]] = {
    "vllm": {
        "command": ["python3", "-m", "vllm.entrypoints.openai.api_server"],
        "args": ["--port=8080", "--model=/mnt/models", "--served-model-name={{.Name}}"],
        "env": [{"name": "HF_HOME", "value": "/tmp/huggingface"}, {"name": "HF_HUB_OFFLINE", "value": "1"}, *_HOME,  # noqa: S108
                {"name": "VLLM_NO_USAGE_STATS", "value": "1"}],
        "ports": [{"name": "http1", "containerPort": 8080, "protocol": "TCP"}],
    },
    "triton": {
        "command": ["tritonserver"],
        "args": ["--model-store=/mnt/models", "--http-port=8080", "--grpc-port=9000", "--metrics-port=8002",
                 "--allow-http=true", "--allow-grpc=true", "--strict-readiness=true"],
        "env": _HOME,
        "ports": [{"name": "http1", "containerPort": 8080, "protocol": "TCP"},
                  {"name": "metrics", "containerPort": 8002, "protocol": "TCP"}],
    },
}
