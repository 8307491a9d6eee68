"""A model server that every tenant's InferenceServices name, built from its row of the catalogue.

It bears a name of our own and no ``server-type`` annotation: KServe rewrites the image of a runtime it
takes for one of its own (to ``-cpu`` or ``-gpu``) when it misreads the GPU resource.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.catalog.runtimes import filled, runtime_arguments
from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.spec.runtime import RuntimeSpec
from gpuplane.spec.vocabulary import KSERVE_RUNTIME


@dataclass(frozen=True)
class ServingRuntimeArgs:
    """A model server.

    Attributes:
        name: of the runtime in the catalogue.
        row: how it is started, scraped and confined.
        image: image it has where a service names none (each of gpuplane's services does).
    """

    name: str
    row: RuntimeSpec
    image: str


class ServingRuntime(pulumi.ComponentResource):
    """One ClusterServingRuntime."""

    def __init__(self, name: str, args: ServingRuntimeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:ServingRuntime", name, {"engine": args.name}, opts)
        KubernetesObject(runtime_name(args.name), manifest(args), child_options(self, opts))
        self.register_outputs({"name": runtime_name(args.name)})


def runtime_name(name: str) -> str:
    """The ClusterServingRuntime of a runtime: ``gpuplane-vllm``."""
    return f"gpuplane-{name}"


def manifest(args: ServingRuntimeArgs) -> Manifest:
    """The ClusterServingRuntime as its API takes it."""
    row = args.row
    spec: dict[str, Any] = {
        "containers": [_container(args)], "multiModel": False, "protocolVersions": list(row.protocol_versions),
        "supportedModelFormats": [{"name": name, "version": "1", "autoSelect": False} for name in row.model_formats]}
    if row.metrics is not None:
        spec["annotations"] = {"prometheus.kserve.io/path": row.metrics.path, "prometheus.kserve.io/port": str(row.metrics.port)}
    if row.writable_directories:
        spec["volumes"] = [{"name": volume, "emptyDir": {}} for volume, _ in _writable(row)]
    return {"apiVersion": KSERVE_RUNTIME, "kind": "ClusterServingRuntime", "metadata": metadata(runtime_name(args.name)), "spec": spec}


def _container(args: ServingRuntimeArgs) -> dict[str, Any]:
    row, small = args.row, {"cpu": "1", "memory": "2Gi"}
    found: dict[str, Any] = {
        "name": "kserve-container", "image": args.image, "ports": _ports(row),
        # Requests and limits of a service take the place of these; without any, the pod would be refused.
        "resources": {"requests": small, "limits": small},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "privileged": False,
                            "readOnlyRootFilesystem": row.read_only_root, "runAsNonRoot": True, "runAsUser": row.run_as_user,
                            "seccompProfile": {"type": "RuntimeDefault"}},
    }
    if row.environment:
        found["env"] = [{"name": name, "value": filled(value, row)} for name, value in sorted(row.environment.items())]
    if row.command:
        found["command"] = [filled(text, row) for text in row.command]
    if arguments := runtime_arguments(row):
        found["args"] = list(arguments)
    if row.writable_directories:
        found["volumeMounts"] = [{"name": volume, "mountPath": path} for volume, path in _writable(row)]
    return found


def _ports(row: RuntimeSpec) -> list[dict[str, Any]]:
    """KServe's Service leads to the first port; the others are there to be scraped."""
    named = {"http1": row.port, "grpc": row.grpc_port, "metrics": row.metrics.port if row.metrics is not None else None}
    found: dict[int, str] = {}
    for name, port in named.items():
        if port is not None:
            found.setdefault(port, name)
    return [{"name": name, "containerPort": port, "protocol": "TCP"} for port, name in found.items()]


def _writable(row: RuntimeSpec) -> list[tuple[str, str]]:
    """Volume and path of each directory that the server writes to."""
    return [(path.strip("/").replace("/", "-").replace(".", "-").replace("_", "-").lower(), path) for path in row.writable_directories]
