"""Layer ``platform``: what all tenants share on the cluster."""

from __future__ import annotations

import pulumi

from gpuplane.components.gpu_operator import GpuOperator, GpuOperatorArgs
from gpuplane.components.gpu_quotas import CohortArgs, FlavorArgs, GpuQuotas, GpuQuotasArgs
from gpuplane.components.kserve import KServe, KServeArgs
from gpuplane.components.kueue import Kueue, KueueArgs
from gpuplane.components.model_storage import ModelStorage, ModelStorageArgs
from gpuplane.components.monitoring import Monitoring, MonitoringArgs
from gpuplane.components.queue_admission import QueueAdmission
from gpuplane.components.serving_runtime import Engine, ServingRuntime, ServingRuntimeArgs
from gpuplane.planning.cohorts.environment_tree import cohort_quotas, shares_fairly
from gpuplane.planning.environment_plan import EnvironmentPlan, PoolPlan
from gpuplane.planning.money.ledger import PoolMoney
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.release import Triton, Vllm
from gpuplane.stacks.node_pools import register_nodes, taints
from gpuplane.stacks.providers import kubernetes_provider, with_provider
from gpuplane.stacks.queue_quotas import queue_quotas, weight
from gpuplane.stacks.upstream import require_upstream


def compose(spec: EnvironmentSpec, planned: EnvironmentPlan) -> None:
    """Register operators (or nothing where they are external), flavors, runtimes, the admission policy, monitoring."""
    require_upstream(spec, "platform")
    options = with_provider(kubernetes_provider(spec), protect=spec.environment.spec.protected or None)
    open_options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(protect=False))
    operators = _operators(spec, options)
    after = pulumi.ResourceOptions.merge(open_options, pulumi.ResourceOptions(depends_on=operators))
    _pools(spec, planned, after)
    for engine, image in sorted(_engine_images(spec).items()):
        ServingRuntime(engine, ServingRuntimeArgs(engine, image), after)
    ModelStorage("model-storage", ModelStorageArgs(f"docker.io/kserve/storage-initializer:{spec.environment.spec.kserve.version}"), after)
    QueueAdmission("queue-admission", open_options)
    monitoring = spec.environment.spec.monitoring
    if monitoring is not None:
        Monitoring("monitoring", MonitoringArgs(monitoring.namespace, monitoring.labels), open_options)


def _operators(spec: EnvironmentSpec, options: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    settings = spec.environment.spec
    found: list[pulumi.Resource] = []
    if settings.gpu_operator is not None:
        found.append(GpuOperator("gpu-operator", _gpu_operator(spec), options))
    if settings.kueue.install == "release":
        found.append(Kueue("kueue", KueueArgs(settings.kueue.version, prometheus=settings.monitoring is not None,
                                               fair_sharing=shares_fairly(spec)), options))
    if settings.kserve.install == "release":
        found.append(KServe("kserve", KServeArgs(settings.kserve.version), options))
    return found


def _gpu_operator(spec: EnvironmentSpec) -> GpuOperatorArgs:
    settings = spec.environment.spec
    operator, monitoring = settings.gpu_operator, settings.monitoring
    assert operator is not None
    shared = {name: pool.spec.sharing for name, pool in spec.pools.items() if pool.spec.sharing is not None}
    return GpuOperatorArgs(
        version=operator.version, driver=operator.driver, toolkit=operator.toolkit, mig_strategy=operator.mig_strategy,
        mig_layouts={name: sharing.mig.layout for name, sharing in shared.items() if sharing.mig is not None},
        time_slicing={name: sharing.time_slicing.replicas for name, sharing in shared.items() if sharing.time_slicing is not None},
        mps={name: sharing.mps.replicas for name, sharing in shared.items() if sharing.mps is not None},
        tolerations=tuple(taint for pool in spec.pools.values() for taint in taints(pool)),
        dcgm_service_monitor=operator.dcgm_service_monitor and monitoring is not None,
        monitor_labels=monitoring.labels if monitoring is not None else {})


def _pools(spec: EnvironmentSpec, planned: EnvironmentPlan, options: pulumi.ResourceOptions) -> None:
    flavors = {}
    for name, pool in spec.pools.items():
        facts, said = planned.pools[name], _said(pool, planned.pools[name])
        flavors[name] = FlavorArgs(
            node_labels=facts.node_labels, taints=taints(pool), devices_per_node=facts.devices_per_node, sharing=pool.spec.strategy,
            max_nodes=said[0], usd_per_node_hour=said[1],
            reserved_usd_per_node_hour=_reserved_usd(planned.money.pools[name]),
            source=spec.places[("NodePool", name)].relative)
        register_nodes(spec, planned, name, options)
    GpuQuotas("gpu-quotas", GpuQuotasArgs(flavors, _cohorts(spec, planned)), options)


def _said(pool: NodePool, facts: PoolPlan) -> tuple[int | None, str | None]:
    """Number and price of nodes that no other object says: those that are there already, and prices paid in advance."""
    price = str(facts.usd_per_node_hour) if facts.usd_per_node_hour is not None else None
    if pool.spec.aws_nodes is None:
        return facts.max_nodes, price
    return None, price if pool.spec.aws_nodes.block is not None else None


def _reserved_usd(money: PoolMoney) -> str | None:
    price = money.reservation.usd_per_node_hour if money.reservation is not None else None
    return None if price is None else str(price)


def _cohorts(spec: EnvironmentSpec, planned: EnvironmentPlan) -> dict[str, CohortArgs]:
    return {name: CohortArgs(cohort.parent, queue_quotas(cohort_quotas(cohort), planned.pools), weight(cohort.fair_sharing_weight))
            for name, cohort in spec.environment.spec.cohorts.items()}


def _engine_images(spec: EnvironmentSpec) -> dict[Engine, str]:
    """Engines that services use, each with the image of the newest version among them."""
    newest: dict[Engine, tuple[tuple[int, ...], str]] = {}
    for entry in spec.services.values():
        release = entry.document.spec.release
        engine: Engine = "vllm" if release.vllm is not None else "triton"
        server: Vllm | Triton | None = release.vllm or release.triton
        assert server is not None
        version = tuple(int(part) for part in server.version.split("."))
        newest[engine] = max(newest.get(engine, ((), "")), (version, server.image))
    return {engine: image for engine, (_, image) in newest.items()}
