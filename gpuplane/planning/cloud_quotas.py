"""Whether the cloud account may run all the nodes there can ever be (QF-13): vCPUs at max_nodes against the declared quotas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from gpuplane.catalog.cloud_quotas import CloudQuota, cloud_quota_of
from gpuplane.planning.crossing import crossings
from gpuplane.planning.environment_plan import PoolPlan, Pools
from gpuplane.planning.refusal import OVER_CLOUD_QUOTA, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import listed


def cloud_quota_refusals(spec: EnvironmentSpec, pools: Pools) -> Iterator[Refusal]:
    """QF-13: the vCPUs of all node groups at max_nodes are at most each declared quota. What is not declared is noted, not refused."""
    declared: dict[str, int] = {str(name): vcpus for name, vcpus in spec.environment.spec.cloud_quotas.items()}
    for quota, counted in _by_quota(spec, pools).items():
        limit = declared.get(quota.name)
        if limit is None:
            continue
        for crossing in crossings(counted, _vcpus, limit):
            sums = listed(f"{pool.name} {pool.max_nodes} × {pool.most_vcpus_per_node}" for pool in crossing.claims)
            sums += f": together {crossing.total}" if len(crossing.claims) > 1 else f" = {crossing.total}"
            yield refused(
                OVER_CLOUD_QUOTA, spec.places[("NodePool", crossing.at.name)], f"{spec.pools[crossing.at.name].spec.path}.max_nodes",
                f"{sums} vCPUs is more than the {limit} of {quota.name} that environment.yaml declares ({quota.quota}, {quota.code}): "
                "AWS would start no more nodes.",
                f"Lower max_nodes, or ask AWS for {crossing.total} vCPUs of quota {quota.code} and declare them.", crossing.total, limit)


def cloud_quota_notes(spec: EnvironmentSpec, pools: Pools) -> Iterator[str]:
    """What cannot be judged because the account's quota is not declared."""
    for quota, counted in _by_quota(spec, pools).items():
        if quota.name not in spec.environment.spec.cloud_quotas:
            names = listed(pool.name for pool in counted)
            have = f"{names} has at its" if len(counted) == 1 else f"{names} have at their"
            yield (f"Whether the AWS account may run the {sum(map(_vcpus, counted))} vCPUs that {have} maximum is not known: "
                   f"declare cloud_quotas.{quota.name} ({quota.quota}, {quota.code}) in environment.yaml.")


def _by_quota(spec: EnvironmentSpec, pools: Pools) -> Mapping[CloudQuota, list[PoolPlan]]:
    found: dict[CloudQuota, list[PoolPlan]] = defaultdict(list)
    for name in sorted(spec.pools):
        nodes = spec.pools[name].spec.aws_nodes
        if nodes is None or not pools[name].gpus_per_node:  # else the hardware is unknown, which is refused by itself
            continue
        # Instances of a capacity block count against no quota of On-Demand or Spot Instances.
        counts = {quota for type_ in nodes.types for bought in nodes.purchases if (quota := cloud_quota_of(type_, bought)) is not None}
        for quota in counts:
            found[quota].append(pools[name])
    return {quota: found[quota] for quota in sorted(found, key=lambda quota: quota.name)}


def _vcpus(pool: PoolPlan) -> int:
    """With the largest of its instance types: the account has to bear that one."""
    return pool.max_nodes * pool.most_vcpus_per_node
