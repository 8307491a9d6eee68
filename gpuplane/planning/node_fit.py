"""Whether a replica fits a node, and whether a tenant's replicas keep the proportion of CPU and memory to devices (QF-09).

A queue admits CPU and memory like devices: a tenant's share of both comes with its devices (:func:`host_quota`),
so replicas that ask for more of the host than that would wait for ever beside idle GPUs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial

from gpuplane.planning.crossing import Crossing, crossings
from gpuplane.planning.demand import Demand, Demands, by_pool
from gpuplane.planning.environment_plan import PoolPlan, QuotaPlan, host_quota
from gpuplane.planning.refusal import PART_OF_SLICE, REPLICA_OVER_NODE, Refusal, refused
from gpuplane.spec.errors import listed
from gpuplane.spec.llm_inference_service import LLMInferenceService
from gpuplane.spec.vocabulary import TPU

_HOST = (("cpu", "CPU cores"), ("memory_gib", "GiB of memory"))


def node_refusals(tenant: str, of_tenant: tuple[Demand, ...], quotas: Mapping[str, QuotaPlan],
                  pools: Mapping[str, PoolPlan], said: Collection[Refusal] = ()) -> Iterator[Refusal]:
    """QF-09 of one tenant.

    Args:
        said: what is refused already; where services ask for too many devices, that their CPU and memory
            are too much as well is no news.
    """
    told = {refusal.file for refusal in said}
    for name, asked in by_pool(of_tenant).items():
        pool = pools[name]
        if not pool.gpus_per_node:  # the hardware is unknown, which is refused by itself
            continue
        alone = [refusal for demand in asked for refusal in _replica(tenant, demand, pool)]
        yield from alone
        if not alone and TPU in pool.devices_per_node:
            yield from (refusal for demand in asked for refusal in _part_of_slice(tenant, demand, pool))
        held = [quota for key, quota in sorted(quotas.items()) if quota.pool == name]
        if held and not alone and told.isdisjoint(demand.entry.place.file for demand in asked):
            yield from _proportion(tenant, asked, held, pool)


def impossible_replicas(asked: Demands, pools: Mapping[str, PoolPlan]) -> frozenset[str]:
    """Files of the services whose replica asks for more devices than one pod of its pool can have."""
    return frozenset(demand.entry.place.file for of_tenant in asked.values() for demand in of_tenant
                     if pools[demand.pool].gpus_per_node and demand.per_pod > _pod_devices(pools[demand.pool]))


def _pod_devices(pool: PoolPlan) -> int:
    """Devices that one pod can have. Two slots of a shared GPU may lie on one GPU: the device plugin refuses requests greater than one."""
    return next(iter(pool.devices_per_node.values())) if pool.strategy == "dedicated" else 1


def _replica(tenant: str, demand: Demand, pool: PoolPlan) -> Iterator[Refusal]:
    """What one replica asks of one node."""
    devices = _pod_devices(pool)
    if demand.per_pod > devices:
        path, why, remedy = _of_devices(demand)
        yield _refused(tenant, demand, path, f"one replica needs {demand.per_pod} GPUs{why} in one pod; "
                       f"a pod on pool \"{pool.name}\" can have {devices}.",
                       f"Lower the parallelism, {remedy}or choose a pool with more GPUs on a node.", demand.per_pod, devices)
    for field, unit in _HOST:
        needed, available = _asked(demand, field), _left(pool, field)
        if needed > available:
            yield _refused(tenant, demand, f"spec.resources.{field}",
                           f"one replica needs {needed} {unit}; a node of pool \"{pool.name}\" has {_of_node(pool, field)}, "
                           f"of which {available} are for models ({pool.allocatable.basis}).",
                           f"Lower {field} to {available}, or choose a pool with larger nodes.", needed, available)


def _part_of_slice(tenant: str, demand: Demand, pool: PoolPlan) -> Iterator[Refusal]:
    """NP-12: the TPU runtime starts on all chips of a host, and on the hosts of a slice together; one pod is one host."""
    path, chips = _of_devices(demand)[0], pool.devices_per_node[TPU]
    if pool.slice_hosts > 1:
        which = "one pod on one host" if demand.pods == 1 else f"{demand.pods} pods that nothing puts on the hosts of one slice"
        yield refused(
            PART_OF_SLICE, demand.entry.place, "spec.placement.pool",
            f"a slice of pool \"{pool.name}\" is {pool.slice_hosts} hosts that work only together, and a replica of this service is "
            f"{which}.", "Choose a pool whose slices are one host each.", pool.slice_hosts, demand.pods, tenant)
    elif demand.per_pod != chips:
        field = "parallelism.tensor" if path == "spec.parallelism" else "tensor_parallel_size"
        who = "one replica asks" if demand.pods == 1 else "each pod of a replica asks"
        yield refused(
            PART_OF_SLICE, demand.entry.place, path,
            f"{who} for {demand.per_pod} of the {chips} TPU chips of a host of pool \"{pool.name}\"; a pod has to ask for all of them.",
            f"Set {field} to {chips}, or choose a pool of smaller hosts.", chips, demand.per_pod, tenant)


def _of_devices(demand: Demand) -> tuple[str, str, str]:
    """The field that says how many devices a pod has, what they come from, and what else than fewer of them would help."""
    if isinstance(demand.entry.document, LLMInferenceService):
        return "spec.parallelism", " (tensor × data_local)", "divide the layers over pods by pipeline, "
    if demand.entry.document.spec.release.vllm is not None:
        return "spec.release.vllm.arguments.tensor_parallel_size", " (tensor_parallel_size × pipeline_parallel_size)", ""
    return "spec.release.runtime.devices", "", ""


def _proportion(tenant: str, asked: tuple[Demand, ...], held: list[QuotaPlan], pool: PoolPlan) -> Iterator[Refusal]:
    """Host resources at peak against those that come with the tenant's devices of this pool, as its queue counts them."""
    own = tuple(demand for demand in asked if not demand.may_borrow)
    granted = [(host_quota(pool, quota.resource, quota.nominal), host_quota(pool, quota.resource, quota.borrowing)) for quota in held]
    for column, (field, unit) in enumerate(_HOST):
        nominal, amount = sum(each[column] for each, _ in granted), partial(_at_peak, field)
        if sum(map(amount, asked)) <= nominal:
            continue
        borrowed = sum(each[column] for _, each in granted)
        # Where its own quota is broken already, the wider one with borrowing would blame the same services again.
        found, limit = crossings(own, amount, nominal), nominal
        if not found:
            found, limit = crossings(asked, amount, nominal + borrowed), nominal + borrowed
        for crossing in found:
            yield _out_of_proportion(tenant, crossing, field, unit, limit, pool)


def _out_of_proportion(tenant: str, crossing: Crossing[Demand], field: str, unit: str, limit: int, pool: PoolPlan) -> Refusal:
    sums = listed(f"{demand.name} {demand.replicas} × {_asked(demand, field) * demand.pods}" for demand in crossing.claims)
    return _refused(
        tenant, crossing.at, f"spec.resources.{field}",
        f"at peak with surge {sums} {unit} make {crossing.total}, more than the {limit} that go with the tenant's quota on pool "
        f"\"{pool.name}\" (its share of the {_left(pool, field)} that a node has for models): the queue would not admit them all.",
        f"Lower {field} or max_replicas, or raise the quota.", crossing.total, limit)


def _at_peak(field: str, demand: Demand) -> int:
    return _asked(demand, field) * demand.pods * demand.replicas


def _asked(demand: Demand, field: str) -> int:
    return int(getattr(demand.entry.document.spec.resources, field))


def _left(pool: PoolPlan, field: str) -> int:
    return pool.allocatable.cpu if field == "cpu" else pool.allocatable.memory_gib


def _of_node(pool: PoolPlan, field: str) -> int:
    return pool.vcpus_per_node if field == "cpu" else pool.memory_gib_per_node


def _refused(tenant: str, demand: Demand, path: str, claim: str, remedy: str, needed: int, available: int) -> Refusal:
    return refused(REPLICA_OVER_NODE, demand.entry.place, path, claim, remedy, needed, available, tenant)
