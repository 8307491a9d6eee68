"""Whether the cloud account may run all the nodes there can ever be (QF-13): vCPUs at max_nodes against the declared quotas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.cloud_quotas import CloudQuota, cloud_quota_of
from gpuplane.planning.crossing import crossings, listed
from gpuplane.planning.environment_plan import Pools
from gpuplane.planning.refusal import OVER_CLOUD_QUOTA, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec


def cloud_quota_refusals(spec: EnvironmentSpec, pools: Pools, catalog: Catalog) -> Iterator[Refusal]:
    """QF-13: the vCPUs of all node groups at max_nodes are at most each declared quota. What is not declared is noted, not refused."""
    declared: dict[str, int] = {str(name): vcpus for name, vcpus in spec.environment.spec.cloud_quotas.items()}
    for quota, counted in _by_quota(spec, pools, catalog).items():
        limit = declared.get(quota.name)
        if limit is None:
            continue
        for crossing in crossings(counted, _vcpus, limit):
            sums = listed(f"{pool.name} {pool.nodes} × {pool.vcpus}" for pool in crossing.claims)
            sums += f": together {crossing.total}" if len(crossing.claims) > 1 else f" = {crossing.total}"
            yield refused(
                OVER_CLOUD_QUOTA, spec.places[("NodePool", crossing.at.name)], f"{spec.pools[crossing.at.name].spec.path}.max_nodes",
                f"{sums} vCPUs is more than the {limit} of {quota.name} that environment.yaml declares ({quota.quota}, {quota.code}): "
                "AWS would start no more nodes.",
                f"Lower max_nodes, or ask AWS for {crossing.total} vCPUs of quota {quota.code} and declare them.", crossing.total, limit)


def cloud_quota_notes(spec: EnvironmentSpec, pools: Pools, catalog: Catalog) -> Iterator[str]:
    """What cannot be judged because the account's quota is not declared."""
    for quota, counted in _by_quota(spec, pools, catalog).items():
        if quota.name not in spec.environment.spec.cloud_quotas:
            names = listed(pool.name for pool in counted)
            have = f"{names} has at its" if len(counted) == 1 else f"{names} have at their"
            yield (f"Whether the AWS account may run the {sum(map(_vcpus, counted))} vCPUs that {have} maximum is not known: "
                   f"declare cloud_quotas.{quota.name} ({quota.quota}, {quota.code}) in environment.yaml.")


@dataclass(frozen=True)
class _Counted:
    """A pool that counts against a quota: its most nodes, with the vCPUs of its largest instance type."""

    name: str
    nodes: int
    vcpus: int


def _by_quota(spec: EnvironmentSpec, pools: Pools, catalog: Catalog) -> Mapping[CloudQuota, list[_Counted]]:
    found: dict[CloudQuota, list[_Counted]] = defaultdict(list)
    for name in sorted(spec.pools):
        nodes = spec.pools[name].spec.aws_nodes
        if nodes is None:
            continue
        most: dict[CloudQuota, int] = {}
        for type_ in nodes.types:
            facts = catalog.instance(type_)
            for bought in nodes.purchases:  # instances of a capacity block count against no quota of On-Demand or Spot Instances
                quota = cloud_quota_of(type_, bought)
                if facts is not None and quota is not None:
                    most[quota] = max(most.get(quota, 0), facts.vcpus)
        for quota, vcpus in most.items():
            found[quota].append(_Counted(name, pools[name].max_nodes, vcpus))
    return {quota: found[quota] for quota in sorted(found, key=lambda quota: quota.name)}


def _vcpus(pool: _Counted) -> int:
    return pool.nodes * pool.vcpus
