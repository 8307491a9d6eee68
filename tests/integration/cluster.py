"""The cluster that KUBECONFIG names, with fake GPU nodes that its fake kubelet looks after."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kubernetes import client, config, dynamic

NODES = {
    "gpuplane-h100-0": ("NVIDIA-H100-80GB-HBM3", "single", {"nvidia.com/gpu": "8"}),
    "gpuplane-h100-1": ("NVIDIA-H100-80GB-HBM3", "single", {"nvidia.com/gpu": "8"}),
    "gpuplane-a100-0": ("NVIDIA-A100-SXM4-80GB", "mixed", {"nvidia.com/mig-1g.10gb": "4", "nvidia.com/mig-2g.20gb": "2", "nvidia.com/mig-3g.40gb": "2"}),
}


class Cluster:
    """Thin reads and writes on the API server."""

    def __init__(self, kubeconfig: Path | None = None) -> None:
        """The cluster of a kubeconfig; without one, that of the process."""
        file = str(kubeconfig) if kubeconfig else None
        self.context = config.list_kube_config_contexts(file)[1]["name"]
        self.api = config.new_client_from_config(file, self.context)
        self.core = client.CoreV1Api(self.api)
        self._dynamic = dynamic.DynamicClient(self.api)

    def ensure_nodes(self) -> None:
        """Add the nodes that the local environment selects, unless they are there."""
        there = {node.metadata.name for node in self.core.list_node().items}
        for name, (product, strategy, devices) in NODES.items():
            if name not in there:
                self._add_node(name, product, strategy, devices)
        wait_for(lambda: all(self._ready(name) for name in NODES), "the fake nodes are ready")

    def _add_node(self, name: str, product: str, strategy: str, devices: dict[str, str]) -> None:
        resources = {"cpu": "96", "memory": "1Ti", "pods": "110", "ephemeral-storage": "1Ti", **devices}
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "type": "kwok",
                  "nvidia.com/gpu.product": product, "nvidia.com/mig.strategy": strategy, "nvidia.com/gpu.present": "true"}
        self.core.create_node({"metadata": {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}})
        self.core.patch_node_status(name, {"status": {"capacity": resources, "allocatable": resources}})

    def _ready(self, name: str) -> bool:
        node = self.core.read_node(name)
        devices = NODES[name][2]
        ready = any(one.type == "Ready" and one.status == "True" for one in node.status.conditions or [])
        return ready and all((node.status.allocatable or {}).get(key) == value for key, value in devices.items())

    def kind(self, api_version: str, kind: str) -> Any:
        """The dynamic client's resource of a kind."""
        return self._dynamic.resources.get(api_version=api_version, kind=kind)

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """One object as plain data, None where it is not there."""
        try:
            found: dict[str, Any] = self.kind(api_version, kind).get(name=name, **({"namespace": namespace} if namespace else {})).to_dict()
        except dynamic.exceptions.NotFoundError:
            return None
        return found

    def list(self, api_version: str, kind: str, namespace: str = "") -> list[dict[str, Any]]:
        """All objects of a kind."""
        return [dict(item) for item in self.kind(api_version, kind).get(**({"namespace": namespace} if namespace else {})).to_dict()["items"]]

    def create(self, body: dict[str, Any]) -> None:
        """Create one object."""
        namespace = body["metadata"].get("namespace")
        self.kind(body["apiVersion"], body["kind"]).create(body=body, **({"namespace": namespace} if namespace else {}))

    def delete(self, *bodies: dict[str, Any]) -> None:
        """Delete objects, and wait until all are gone: a namespace takes its time."""
        named = [(body["apiVersion"], body["kind"], body["metadata"]["name"], body["metadata"].get("namespace", "")) for body in bodies]
        for version, kind, name, namespace in named:
            self.kind(version, kind).delete(
                name=name, body={"propagationPolicy": "Background"}, **({"namespace": namespace} if namespace else {}))
        for one in named:
            wait_for(lambda one=one: self.get(*one) is None, f"{one[2]} is gone")  # type: ignore[misc]

    def workloads(self, namespace: str) -> list[dict[str, Any]]:
        """Kueue's workloads of a namespace."""
        return self.list("kueue.x-k8s.io/v1beta2", "Workload", namespace)


def admitted(workload: dict[str, Any]) -> bool:
    """Whether Kueue has admitted a workload."""
    conditions = (workload.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Admitted" and one["status"] == "True" for one in conditions)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return once the condition holds; fail the test when it does not within ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.25)
