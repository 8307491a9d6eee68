"""CL-04: on one node GPUs are handed out either by the DRA driver or by a device plugin, never by both."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.catalog.chart_support import needs
from gpuplane.catalog.versions import numbers
from gpuplane.planning.refusal import TWO_DEVICE_STACKS, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.node_pool import NodePool

_PATH = "spec.gpu_operator.dra"


def device_stack_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """Pools that need the device plugin where DRA is on, and versions that DRA does not work with."""
    operator, place = spec.environment.spec.gpu_operator, spec.places["Environment", spec.name]
    if operator is None or operator.dra is None:
        return
    here = f"{place.file}:{place.line(_PATH)} {_PATH}"
    for name, pool in spec.pools.items():
        found = _device_plugin(pool)
        if found is not None:
            path, what = found
            yield refused(
                TWO_DEVICE_STACKS, spec.places["NodePool", name], path,
                f"{what}, and {here} puts the DRA driver on the same nodes: each would hand out the same GPUs.",
                "Remove it here, or remove dra there.", "device plugin", "dra")
    yield from _versions(spec)


def _device_plugin(pool: NodePool) -> tuple[str, str] | None:
    """What in a pool needs a device plugin: its path, and the words for it."""
    nodes, group = pool.spec.aws_nodes, pool.spec.eks_managed_node_group
    if pool.spec.sharing is not None:
        return "spec.sharing", f"GPUs shared by {pool.spec.strategy} are handed out by the device plugin"
    if nodes is not None and nodes.bottlerocket:
        field, image = ("ami_type", group.ami_type) if group is not None else (nodes.image_path, "Bottlerocket")
        return f"{pool.spec.path}.{field}", f"{image} brings a device plugin of its own"
    return None


def _versions(spec: EnvironmentSpec) -> Iterator[Refusal]:
    settings, place, asked = spec.environment.spec, spec.places["Environment", spec.name], needs("dra")
    assert settings.gpu_operator is not None
    found = {"Kubernetes": (settings.cluster.kubernetes_version, asked.kubernetes),
             "gpu-operator": (settings.gpu_operator.version, asked.charts["gpu-operator"]),
             "kueue": (settings.kueue.version, asked.charts["kueue"])}
    for what, (there, least) in found.items():
        if numbers(there) < numbers(least):
            yield refused(TWO_DEVICE_STACKS, place, _PATH, f"dra needs {what} {least} or newer, and this is {there} ({asked.source}).",
                          f"Upgrade {what} first, or remove dra.", least, there)
