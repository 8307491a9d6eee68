"""CL-02 and CL-03: charts, Kubernetes, CRDs and node images that do not go together, by the compatibility table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpuplane.catalog.chart_support import KUBELET_MINORS_BEHIND, ChartSupport, chart_support, needs
from gpuplane.catalog.data_files import sources
from gpuplane.catalog.versions import numbers
from gpuplane.planning.chart_rules import CHARTS, block_of
from gpuplane.planning.refusal import CHART_VERSION, KUBELET_SKEW, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.vocabulary import AI_GATEWAY, ENVOY_GATEWAY, GATEWAY_API, KSERVE, KSERVE_RUNTIME, KUEUE, SCALED_OBJECT, VOLCANO_QUEUE

WRITTEN: Mapping[str, tuple[str, ...]] = {
    "gpu_operator": (), "kueue": (KUEUE,), "kserve": (KSERVE, KSERVE_RUNTIME), "volcano": (VOLCANO_QUEUE,),
    "keda": (SCALED_OBJECT,), "cert_manager": (), "leader_worker_set": (), "efa_device_plugin": (),
    "karpenter": ("karpenter.sh/v1", "karpenter.k8s.aws/v1"), "gateway.envoy_gateway": (GATEWAY_API, ENVOY_GATEWAY),
    "gateway.envoy_ai_gateway": (AI_GATEWAY,)}
"""API versions that gpuplane writes, by the block of ``environment.yaml`` whose software serves them."""


def version_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """CL-02: a chart on a Kubernetes that is too old, or without an API that is written; CL-03: a kubelet too new or too old."""
    settings, place = spec.environment.spec, spec.places["Environment", spec.name]
    for block, version in _installed(spec):
        support, path = chart_support(CHARTS[block], version), f"spec.{block}.version"
        if support is None:
            continue
        if numbers(settings.cluster.kubernetes_version) < numbers(support.kubernetes):
            yield refused(
                CHART_VERSION, place, path, f"{CHARTS[block]} {version} needs Kubernetes {support.kubernetes} or newer; the cluster has "
                f"{settings.cluster.kubernetes_version} ({support.source}).", "Upgrade the cluster first, or take an older version.",
                support.kubernetes, settings.cluster.kubernetes_version)
        for api in WRITTEN[block]:
            if api not in support.apis:
                yield refused(
                    CHART_VERSION, place, path, f"gpuplane writes {api}, which {CHARTS[block]} {version} does not serve; it serves "
                    f"{', '.join(support.apis)} ({support.source}).", "Take a newer version.", api, ", ".join(support.apis))
    yield from _gateways(spec)
    yield from _skew(spec)


def _gateways(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """CL-02: Envoy AI Gateway hooks into Envoy Gateway, and knows it from a release on."""
    gateway, asked = spec.environment.spec.gateway, needs("ai_gateway")
    least = asked.charts["gateway-helm"]
    if gateway is not None and numbers(gateway.envoy_gateway.version) < numbers(least):
        yield refused(
            CHART_VERSION, spec.places["Environment", spec.name], "spec.gateway.envoy_gateway.version",
            f"Envoy AI Gateway {gateway.envoy_ai_gateway.version} needs Envoy Gateway {least} or newer; this is "
            f"{gateway.envoy_gateway.version} ({asked.source}).", "Take a newer Envoy Gateway.", least, gateway.envoy_gateway.version)


def version_notes(spec: EnvironmentSpec) -> Iterator[str]:
    """Versions that the table does not know, and clusters newer than the makers of a chart name."""
    cluster = spec.environment.spec.cluster.kubernetes_version
    for block, version in _installed(spec):
        support = chart_support(CHARTS[block], version)
        if support is None:
            yield f"What {CHARTS[block]} {version} needs and brings is not known here."
        elif _too_new(support, cluster):
            yield (f"{CHARTS[block]} {version} names Kubernetes {support.newest_kubernetes} as the newest it was tested with; the cluster "
                   f"has {cluster} ({support.source}).")


def _too_new(support: ChartSupport, cluster: str) -> bool:
    return support.newest_kubernetes is not None and numbers(cluster) > numbers(support.newest_kubernetes)


def _installed(spec: EnvironmentSpec) -> Iterator[tuple[str, str]]:
    for block in CHARTS:
        found = block_of(spec, block)
        if found is not None:
            yield block, found.version


def _skew(spec: EnvironmentSpec) -> Iterator[Refusal]:
    cluster = spec.environment.spec.cluster.kubernetes_version
    for name, pool in spec.pools.items():
        group = pool.spec.eks_managed_node_group
        if group is None or group.bottlerocket:  # a release of Bottlerocket does not say its kubelet, and Karpenter takes the cluster's
            continue
        kubelet = numbers(group.release_version)[:2]
        behind = numbers(cluster)[1] - kubelet[1]
        if not 0 <= behind <= KUBELET_MINORS_BEHIND:
            said = ".".join(map(str, kubelet))
            yield refused(
                KUBELET_SKEW, spec.places["NodePool", name], "spec.eks_managed_node_group.release_version",
                f"the node image has a kubelet {said}, and the cluster is {cluster}: a kubelet is not newer than the API server, and at "
                f"most {KUBELET_MINORS_BEHIND} minor versions older ({sources()['kubernetes-version-skew'].text}).",
                "Upgrade the cluster first." if behind < 0 else "Take a newer release_version.", cluster, said)
