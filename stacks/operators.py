"""The operators of layer ``platform``: what their components are told, from the wish."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from gpuplane.components.cert_manager import CertManager, CertManagerArgs
from gpuplane.components.efa_device_plugin import EfaDevicePlugin, EfaDevicePluginArgs
from gpuplane.components.gpu_operator import DraArgs, DrainArgs, DriverArgs, GpuOperator, GpuOperatorArgs
from gpuplane.components.karpenter import Karpenter, KarpenterArgs
from gpuplane.components.keda import Keda, KedaArgs
from gpuplane.components.kserve import KServe, KServeArgs
from gpuplane.components.kueue import AdmissionFairSharingArgs, Kueue, KueueArgs
from gpuplane.components.leader_worker_set import LeaderWorkerSet, LeaderWorkerSetArgs
from gpuplane.components.volcano import Volcano, VolcanoArgs
from gpuplane.planning.chart_rules import has_llm_services, keeps_models
from gpuplane.planning.cohorts.environment_tree import flavor_resource, shares_fairly
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec import gpu_operator as wish
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.platform_services import AdmissionFairSharing
from gpuplane.spec.platform_services import KServe as KServeWish
from gpuplane.spec.references import quota_keys
from gpuplane.stacks.node_pools import taints


def register_operators(spec: EnvironmentSpec, planned: EnvironmentPlan, options: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """Register the operators that are not on the cluster already."""
    settings = spec.environment.spec
    found: list[pulumi.Resource] = []
    if settings.gpu_operator is not None:
        found.append(GpuOperator("gpu-operator", _gpu_operator(spec, settings.gpu_operator), options))
    if settings.kueue.install == "release":
        found.append(Kueue("kueue", _kueue(spec), options))
    found += _before_kserve(spec, options)
    if settings.kserve.install == "release":
        after = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=list(found)))
        found.append(KServe("kserve", KServeArgs(
            settings.kserve.version, settings.kserve.values, keeps_models(spec), has_llm_services(spec),
            _digests(settings.kserve)), after))
    found += _aws_operators(spec, options)
    if settings.keda is not None and settings.keda.install == "release":
        labels = settings.monitoring.labels if settings.monitoring is not None else None
        found.append(Keda("keda", KedaArgs(settings.keda.version, settings.keda.replicas, labels, settings.keda.values), options))
    if settings.volcano is not None:
        version = settings.volcano.version if settings.volcano.install == "release" else None
        nodes = tuple(volcano_nodes(spec, planned).values())
        found.append(Volcano("volcano", VolcanoArgs(version, nodes, further=settings.volcano.values), options))
    return found


def _digests(kserve: KServeWish) -> dict[str, str]:
    found = kserve.image_digests
    named = {"agent": found.agent, "router": found.router, "storage": found.storage_initializer}
    return {image: digest for image, digest in named.items() if digest is not None}


def _before_kserve(spec: EnvironmentSpec, options: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """What KServe's webhooks and its replicas of several pods are made by."""
    settings, found = spec.environment.spec, list[pulumi.Resource]()
    certificates, groups = settings.cert_manager, settings.leader_worker_set
    if certificates is not None and certificates.install == "release":
        found.append(CertManager("cert-manager", CertManagerArgs(certificates.version, certificates.values), options))
    if groups is not None and groups.install == "release":
        found.append(LeaderWorkerSet("leader-worker-set", LeaderWorkerSetArgs(groups.version, groups.values), options))
    return found


def _aws_operators(spec: EnvironmentSpec, options: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    settings, found = spec.environment.spec, list[pulumi.Resource]()
    karpenter, efa, pools = settings.karpenter, settings.efa_device_plugin, spec.pools.values()
    if karpenter is not None and karpenter.install == "release":
        static = any(pool.spec.karpenter is not None and pool.spec.karpenter.static_nodes is not None for pool in pools)
        found.append(Karpenter("karpenter", KarpenterArgs(
            karpenter.version, settings.cluster.name, settings.cluster.name, karpenter.replicas, static, karpenter.values), options))
    if efa is not None and efa.install == "release":
        tainted = tuple(taint for pool in pools if pool.spec.eks_managed_node_group is not None and pool.spec.eks_managed_node_group.efa
                        for taint in taints(pool))
        found.append(EfaDevicePlugin("efa-device-plugin", EfaDevicePluginArgs(efa.version, tainted, efa.values), options))
    return found


def volcano_nodes(spec: EnvironmentSpec, planned: EnvironmentPlan) -> dict[str, Mapping[str, str]]:
    """Labels of the nodes of the pools that Volcano shares out, by pool."""
    volcano = spec.environment.spec.volcano
    return {name: planned.pools[name].node_labels for name in volcano.pools} if volcano is not None else {}


def _kueue(spec: EnvironmentSpec) -> KueueArgs:
    settings = spec.environment.spec
    kueue, operator, monitoring = settings.kueue, settings.gpu_operator, settings.monitoring
    return KueueArgs(
        kueue.version, kueue.replicas, monitoring.namespace if monitoring is not None else None, shares_fairly(spec),
        _admission_fair_sharing(spec, kueue.admission_fair_sharing), operator is not None and operator.dra is not None, kueue.values)


def _admission_fair_sharing(spec: EnvironmentSpec, fair: AdmissionFairSharing | None) -> AdmissionFairSharingArgs | None:
    if fair is None:
        return None
    devices = sorted({flavor_resource(key, spec.pools).resource for key in quota_keys(spec.pools)})
    return AdmissionFairSharingArgs(fair.usage_half_life_hours, fair.sampling_interval_seconds, tuple(devices))


def _gpu_operator(spec: EnvironmentSpec, operator: wish.GpuOperator) -> GpuOperatorArgs:
    monitoring = spec.environment.spec.monitoring
    shared = {name: pool.spec.sharing for name, pool in spec.pools.items() if pool.spec.sharing is not None}
    return GpuOperatorArgs(
        version=operator.version, driver=_driver(operator.driver), toolkit=operator.toolkit, mig_strategy=operator.mig_strategy,
        mig_layouts={name: sharing.mig.layout for name, sharing in shared.items() if sharing.mig is not None},
        time_slicing={name: sharing.time_slicing.replicas for name, sharing in shared.items() if sharing.time_slicing is not None},
        mps={name: sharing.mps.replicas for name, sharing in shared.items() if sharing.mps is not None},
        tolerations=tuple(taint for pool in spec.pools.values() for taint in taints(pool)),
        node_feature_discovery=operator.node_feature_discovery == "release",
        dcgm_service_monitor=operator.dcgm_service_monitor and monitoring is not None,
        dcgm_interval_seconds=operator.dcgm_interval_seconds,
        monitor_labels=monitoring.labels if monitoring is not None else {},
        dra=DraArgs(operator.dra.compute_domains) if operator.dra is not None else None, further=operator.values)


def _driver(driver: wish.GpuDriver | None) -> DriverArgs | None:
    if driver is None:
        return None
    upgrade, drain = driver.upgrade, driver.upgrade.drain
    return DriverArgs(
        driver.version, driver.precompiled, driver.kernel_module, upgrade.max_parallel_upgrades, upgrade.max_unavailable_percent,
        upgrade.wait_for_jobs_seconds, upgrade.pod_deletion_timeout_seconds,
        DrainArgs(drain.timeout_seconds, drain.force, drain.delete_empty_dirs) if drain is not None else None)
