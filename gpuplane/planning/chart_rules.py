"""CL-01 and CL-02: what a Helm chart is told, it takes; and its version is one whose values are known, and that runs on this Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.catalog.charts import Chart, chart, chart_versions, nearest_chart
from gpuplane.planning.refusal import CHART_VALUE, CHART_VERSION, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.llm_inference_service import LLMInferenceService

CHARTS: Mapping[str, str] = {"gpu_operator": "gpu-operator", "kueue": "kueue", "kserve": "kserve-resources", "volcano": "volcano",
                               "keda": "keda", "cert_manager": "cert-manager", "leader_worker_set": "lws", "karpenter": "karpenter",
                               "efa_device_plugin": "aws-efa-k8s-device-plugin", "gateway.envoy_gateway": "gateway-helm",
                               "gateway.envoy_ai_gateway": "ai-gateway-helm"}
"""Block of ``environment.yaml`` to the chart whose values it gives."""
BESIDE: Mapping[str, tuple[str, ...]] = {"kserve": ("kserve-crd",), "karpenter": ("karpenter-crd",),
                                         "gateway.envoy_ai_gateway": ("ai-gateway-crds-helm",)}
"""Charts of the same version that a block's release always comes with."""
LLM_CHARTS = ("kserve-llmisvc-crd", "kserve-llmisvc-resources", "kserve-runtime-configs")
"""Charts that come with ``kserve`` where there are LLMInferenceServices."""
LOCAL_MODEL_CHARTS = ("kserve-localmodel-crd", "kserve-localmodel-resources")
"""Charts that come with ``kserve`` where pools keep models on their nodes."""

_DIGESTS = "write kserve.image_digests"
SET_BY_GPUPLANE: Mapping[str, Mapping[str, str]] = {
    "gpu_operator": {
        "cdi.enabled": "it is always on", "clusterPolicy.deployCR": "it follows from gpu_operator.dra",
        "daemonsets.tolerations": "it follows from the pools' taints", "dcgmExporter.enablePodLabels": "it is always on",
        "dcgmExporter.podLabelAllowlistRegex": "it is the tenant's label",
        "dcgmExporter.serviceMonitor.additionalLabels": "write monitoring.labels",
        "dcgmExporter.serviceMonitor.enabled": "write gpu_operator.dcgm_service_monitor",
        "dcgmExporter.serviceMonitor.interval": "write gpu_operator.dcgm_interval_seconds",
        "devicePlugin.config": "it follows from the pools' sharing", "devicePlugin.enabled": "it follows from gpu_operator.dra",
        "draDriver.computeDomains.enabled": "write gpu_operator.dra.compute_domains", "driver.enabled": "write gpu_operator.driver",
        "driver.kernelModuleType": "write gpu_operator.driver.kernel_module",
        "driver.nvidiaDriverCRD.enabled": "it follows from gpu_operator.dra", "driver.upgradePolicy": "write gpu_operator.driver.upgrade",
        "driver.usePrecompiled": "write gpu_operator.driver.precompiled", "driver.version": "write gpu_operator.driver.version",
        "gpuCluster.deployCR": "write gpu_operator.dra", "mig.strategy": "write gpu_operator.mig_strategy",
        "migManager.config": "it follows from the pools' MIG layouts", "migManager.enabled": "it follows from gpu_operator.dra",
        "nfd.enabled": "write gpu_operator.node_feature_discovery",
        "node-feature-discovery.worker.tolerations": "it follows from the pools' taints", "toolkit.enabled": "write gpu_operator.toolkit"},
    "kueue": {
        "controllerManager.podDisruptionBudget": "it follows from kueue.replicas", "controllerManager.replicas": "write kueue.replicas",
        "enablePrometheus": "it follows from monitoring", "managerConfig.controllerManagerConfigYaml": "gpuplane states Kueue's whole "
        "configuration", "metrics.prometheusNamespace": "write monitoring.namespace"},
    "kserve": {"kserve.agent.tag": _DIGESTS, "kserve.controller.deploymentMode": "Standard is the only mode that Kueue can queue",
               "kserve.inferenceServiceConfig.enabled": "routes and monitors speak to LLMInferenceServices without TLS, as the chart's "
               "configuration has it (enableLLMInferenceServiceTLS)", "kserve.router.tag": _DIGESTS, "kserve.storage.tag": _DIGESTS},
    "volcano": {
        "custom.admission_replicas": "it is always two", "custom.controller_replicas": "it is always two",
        "custom.leader_elect_enable": "it is always on", "custom.scheduler_config_override": "gpuplane states the scheduler's whole "
        "configuration", "custom.scheduler_replicas": "it is always two",
        "custom.webhooks_namespace_selector_expressions": "it looks at tenants' namespaces"},
    "cert_manager": {"crds.enabled": "it is always on", "crds.keep": "deleting the release keeps certificates"},
    "leader_worker_set": {"image.manager.tag": "it is the chart's version", "image.manager.pullPolicy": "a released image does not change",
                          "replicaCount": "it is always two"},
    "karpenter": {
        "replicas": "write karpenter.replicas", "serviceAccount.name": "its role is bound to it",
        "settings.clusterName": "it is the cluster's", "settings.interruptionQueue": "it comes with it",
        "settings.featureGates.staticCapacity": "it follows from the pools"},
    "efa_device_plugin": {"tolerations": "it follows from the pools' taints"},
    "gateway.envoy_gateway": {"config.envoyGateway": "gpuplane states what Envoy AI Gateway asks of it"},
    "gateway.envoy_ai_gateway": {},
    "keda": {"crds.install": "it is always on", "operator.replicaCount": "write keda.replicas",
             "permissions.operator.restrict.secret": "no trigger of gpuplane's needs a Secret", "watchNamespace": "it watches all tenants"},
}
"""Values that the components set themselves, dotted, and what to write in place of them."""


def chart_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """CL-01: values that the chart does not know, or that gpuplane sets; CL-02: versions whose values nobody knows.

    While there is one, layer ``platform`` cannot be rendered: a release is told nothing that its chart may not take.
    """
    for block, name in CHARTS.items():
        settings = block_of(spec, block)
        if settings is None or getattr(settings, "install", "release") != "release":
            continue
        known = nearest_chart(name, settings.version)
        if known is None:
            yield _unknown(spec, block, f"what values chart {name} {settings.version} takes is not known here.",
                           f"; or add gpuplane/catalog/data/charts/{name}-{settings.version}.yaml")
            continue
        for beside, why in _beside(spec, block):
            if nearest_chart(beside, settings.version) is None:
                yield _unknown(spec, block, f"{why} chart {beside}, and what values its version {settings.version} takes is not known "
                               "here.")
        yield from _values(spec, block, known, settings.values)


def chart_notes(spec: EnvironmentSpec) -> Iterator[str]:
    """Releases whose values are taken from another patch of the same minor version."""
    for block, name in CHARTS.items():
        settings = block_of(spec, block)
        if settings is not None and getattr(settings, "install", "release") == "release" and chart(name, settings.version) is None:
            known = nearest_chart(name, settings.version)
            if known is not None:
                yield f"The values of chart {name} {settings.version} are checked against those of {known.version}."


def block_of(spec: EnvironmentSpec, block: str) -> Any:
    """A block of ``environment.yaml`` by its dotted name; None where it is not written."""
    found: Any = spec.environment.spec
    for step in block.split("."):
        found = getattr(found, step, None)
    return found


def has_llm_services(spec: EnvironmentSpec) -> bool:
    """Whether there is an LLMInferenceService, which takes a controller and templates of its own."""
    return any(isinstance(entry.document, LLMInferenceService) for entry in spec.services.values())


def keeps_models(spec: EnvironmentSpec) -> bool:
    """Whether nodes of a pool keep models, which takes a controller and an agent of its own."""
    return any(pool.spec.model_cache is not None for pool in spec.pools.values())


def _beside(spec: EnvironmentSpec, block: str) -> Iterator[tuple[str, str]]:
    """Charts that come with a block's own at the same version, each with what it is for."""
    for name in BESIDE.get(block, ()):
        yield name, f"{block.rpartition('.')[2]} needs"
    if block == "kserve" and keeps_models(spec):
        yield from ((name, "pools with model_cache need") for name in LOCAL_MODEL_CHARTS)
    if block == "kserve" and has_llm_services(spec):
        yield from ((name, "LLMInferenceServices need") for name in LLM_CHARTS)


def _unknown(spec: EnvironmentSpec, block: str, claim: str, otherwise: str = "") -> Refusal:
    """A version to be exchanged for one at which the block's own chart and all beside it are known."""
    beside = [name for name, _ in _beside(spec, block)]
    versions = ", ".join(version for version in chart_versions(CHARTS[block]) if all(nearest_chart(name, version) for name in beside))
    return refused(CHART_VERSION, spec.places["Environment", spec.name], f"spec.{block}.version", claim,
                   f"Choose one of: {versions}{otherwise}.", versions, block_of(spec, block).version)


def _values(spec: EnvironmentSpec, block: str, known: Chart, values: Mapping[str, Any]) -> Iterator[Refusal]:
    place, at = spec.places["Environment", spec.name], f"spec.{block}.values"
    for problem in known.problems(values):
        yield refused(CHART_VALUE, place, f"{at}.{problem.path}", problem.claim, problem.remedy, "a value of the chart", problem.path)
    for path, instead in SET_BY_GPUPLANE[block].items():
        if _there(values, path.split(".")):
            yield refused(CHART_VALUE, place, f"{at}.{path}", f"{path} is set by gpuplane: {instead}.", "Leave it out here.", "", path)


def _there(values: Any, steps: list[str]) -> bool:
    if not steps:
        return True
    return isinstance(values, Mapping) and steps[0] in values and _there(values[steps[0]], steps[1:])
