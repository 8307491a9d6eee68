"""Layer ``platform``: what all tenants share on the cluster."""

from __future__ import annotations

import pulumi

from gpuplane.catalog.runtimes import ServerFacts, server_of, version_numbers
from gpuplane.components.gpu_quotas import CohortArgs, FlavorArgs, GpuQuotas, GpuQuotasArgs
from gpuplane.components.model_cache_nodes import ModelCacheNodes, ModelCacheNodesArgs
from gpuplane.components.model_storage import ModelStorage, ModelStorageArgs
from gpuplane.components.queue_admission import QueueAdmission
from gpuplane.components.serving_runtime import ServingRuntime, ServingRuntimeArgs
from gpuplane.components.storage_classes import StorageClasses, StorageClassesArgs
from gpuplane.planning.cohorts.environment_tree import cohort_quotas
from gpuplane.planning.environment_plan import EnvironmentPlan, PoolPlan
from gpuplane.planning.money.ledger import PoolMoney
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.node_pool import NodePool
from gpuplane.stacks.admission import register_admission_policies
from gpuplane.stacks.aws_cluster import tags
from gpuplane.stacks.node_pools import register_nodes, taints
from gpuplane.stacks.observation import register_platform
from gpuplane.stacks.operators import register_operators, volcano_nodes
from gpuplane.stacks.providers import kubernetes_provider, with_provider
from gpuplane.stacks.queue_quotas import queue_quotas, weight
from gpuplane.stacks.traffic import register_gateway
from gpuplane.stacks.upstream import checked_context, require_upstream


def compose(spec: EnvironmentSpec, planned: EnvironmentPlan) -> None:
    """Register operators (or nothing where they are external), flavors, runtimes, the admission policy, monitoring."""
    context = checked_context(spec, "platform", require_upstream(spec, "platform"))
    options = with_provider(kubernetes_provider(context), protect=spec.environment.spec.protected or None)
    open_options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(protect=False))
    operators = register_operators(spec, planned, options)
    after = pulumi.ResourceOptions.merge(open_options, pulumi.ResourceOptions(depends_on=operators))
    _pools(spec, planned, after)
    for engine, (server, image) in sorted(_servers(spec).items()):
        ServingRuntime(engine, ServingRuntimeArgs(engine, server.row, image), after)
    kserve = spec.environment.spec.kserve
    pinned = f"@{kserve.image_digests.storage_initializer}" if kserve.image_digests.storage_initializer is not None else ""
    ModelStorage("model-storage", ModelStorageArgs(f"docker.io/kserve/storage-initializer:{kserve.version}{pinned}"), after)
    aws = spec.environment.spec.aws
    if aws is not None and aws.eks is not None:
        StorageClasses("storage-classes", StorageClassesArgs(tags=tags(spec)), open_options)
    QueueAdmission("queue-admission", open_options, tuple(volcano_nodes(spec, planned).values()))
    register_admission_policies(spec, planned, open_options)
    register_gateway(spec, options, open_options)
    register_platform(spec, planned, open_options)


def _pools(spec: EnvironmentSpec, planned: EnvironmentPlan, options: pulumi.ResourceOptions) -> None:
    flavors = {}
    kueue, volcano = spec.environment.spec.kueue, spec.environment.spec.volcano
    for name, pool in spec.pools.items():
        register_nodes(spec, planned, name, options)
        if volcano is not None and name in volcano.pools:
            continue
        facts, said = planned.pools[name], _said(pool, planned.pools[name])
        flavors[name] = FlavorArgs(
            node_labels=facts.node_labels, taints=taints(pool), devices_per_node=facts.devices_per_node, sharing=pool.spec.strategy,
            max_nodes=said[0], usd_per_node_hour=said[1],
            reserved_usd_per_node_hour=_reserved_usd(planned.money.pools[name]),
            source=spec.places[("NodePool", name)].relative, topology=kueue.topology_of(name))
        if pool.spec.model_cache is not None:
            ModelCacheNodes(name, ModelCacheNodesArgs(name, pool.spec.model_cache.disk_gib, facts.node_labels), options)
    topologies = {name: topology.levels for name, topology in kueue.topologies.items()}
    GpuQuotas("gpu-quotas", GpuQuotasArgs(flavors, _cohorts(spec, planned), topologies), options)


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


def _servers(spec: EnvironmentSpec) -> dict[str, tuple[ServerFacts, str]]:
    """Runtimes that services use, each with the image of the newest version among them."""
    newest: dict[str, tuple[ServerFacts, str]] = {}
    for entry in spec.services.values():
        release = entry.document.spec.release
        server = server_of(spec, release)
        known = newest.get(server.name)
        if known is None or (version_numbers(known[0].version), known[1]) < (version_numbers(server.version), release.server.image):
            newest[server.name] = (server, release.server.image)
    return newest
