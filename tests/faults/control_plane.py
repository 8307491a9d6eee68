"""The control plane of a local rehearsal as one that a test may kill: etcd and an API server, with the CRDs of the cluster that KUBECONFIG names.

Objects of those CRDs are stored and validated, and nobody acts on them: no Kueue, no KServe, no nodes. Namespaces and garbage are
looked after by the real controller manager.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

from gpuplane.delivery.rehearsal.local.control_plane import CORE, LocalControlPlane
from gpuplane.delivery.rehearsal.local.control_plane import kubeconfig as kubeconfig
from gpuplane.delivery.rehearsal.local.programs import program

TOKEN = "a-token-that-no-output-may-show"


def missing() -> list[str]:
    """What is not there to run a control plane."""
    return [name for name in CORE if program(name) is None]


class ControlPlane(LocalControlPlane):
    """The processes, each of which can be killed and started again."""

    programs = CORE
    controllers = "namespace-controller,garbage-collector-controller,serviceaccount-controller,resourcequota-controller"
    context, token = "test", TOKEN

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End one process at once."""
        self.processes.kill(name, number)

    def heal(self) -> None:
        """Start what does not run, and wait for it."""
        for name in self.programs:
            self.start(name)
        self.wait_ready()


def custom_resource_definitions(config_file: str | None = None) -> list[dict[str, Any]]:
    """Those of a cluster, ready for another one: nobody converts there."""
    from kubernetes import client, config

    api = config.new_client_from_config(config_file=config_file)
    found = client.ApiextensionsV1Api(api).list_custom_resource_definition()
    return [_bare(one) for one in api.sanitize_for_serialization(found)["items"]]


def _bare(definition: dict[str, Any]) -> dict[str, Any]:
    spec = {key: value for key, value in definition["spec"].items() if key != "conversion"}
    kept = {key: value for key, value in (definition["metadata"].get("annotations") or {}).items() if key.startswith("api-approved")}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec,
            "metadata": {"name": definition["metadata"]["name"], "annotations": kept}}


def install(definitions: list[dict[str, Any]], config_file: str) -> None:
    """Create CRDs, and return when all are served."""
    from kubernetes import client, config

    api = client.ApiextensionsV1Api(config.new_client_from_config(config_file=config_file))
    for definition in definitions:
        api.create_custom_resource_definition(definition)
    wait_until(lambda: all(_established(one) for one in api.list_custom_resource_definition().items), "the CRDs are served")


def _established(definition: Any) -> bool:
    return any(one.type == "Established" and one.status == "True" for one in definition.status.conditions or ())


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return once the condition holds.

    Raises:
        AssertionError: it does not in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)
