"""What no single document can know: whether the names it uses exist, and whether they fit together."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from gpuplane.spec.environment import Environment
from gpuplane.spec.environment_spec import GraphEntry, Place, ServiceEntry
from gpuplane.spec.errors import SpecError, choices, shown
from gpuplane.spec.exemptions import Exemption
from gpuplane.spec.kserve_names import answers_by_service
from gpuplane.spec.llm_inference_service import LLMInferenceService
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.secret_store import TENANT_WORD
from gpuplane.spec.tenant import Tenant

RESERVED_NAMESPACES = frozenset({
    "default", "kube-system", "kube-public", "kube-node-lease", "gpu-operator", "kueue-system", "kserve",
    "monitoring", "gateway-system", "external-secrets", "cert-manager", "argocd", "flux-system", "karpenter", "keda", "istio-system",
    "knative-serving", "envoy-gateway-system", "node-feature-discovery"})
"""Namespaces that a tenant cannot be called, for its namespace bears its name; nor any ``kube-…`` or ``…-system``."""


def is_reserved(name: str) -> bool:
    """Whether a namespace of this name is, or may come to be, the platform's."""
    return name in RESERVED_NAMESPACES or name.startswith("kube-") or name.endswith("-system")


@dataclass(frozen=True)
class Documents:
    """The documents of one environment that could be read.

    Attributes:
        environment: None where ``environment.yaml`` itself is wrong.
        unreadable: kind and name of the documents that are there but wrong; a reference to one does not dangle.
    """

    environment: Environment | None
    pools: Mapping[str, NodePool]
    tenants: Mapping[str, Tenant]
    services: Mapping[str, ServiceEntry]
    exemptions: tuple[Exemption, ...]
    places: Mapping[tuple[str, str], Place]
    unreadable: Set[tuple[str, str]] = field(default_factory=frozenset)
    graphs: Mapping[str, GraphEntry] = field(default_factory=dict)

    def has(self, kind: str, name: str) -> bool:
        """Whether there is a file for a document, be it right or wrong."""
        return (kind, name) in self.places or (kind, name) in self.unreadable

    def unread_service(self, tenant: str, name: str) -> bool:
        """Whether there is a file for a service that is wrong."""
        return any((kind, f"{tenant}/{name}") in self.unreadable for kind in ("InferenceService", "LLMInferenceService"))


def check_references(documents: Documents) -> list[SpecError]:
    """Every dangling or impossible reference between the documents of one environment."""
    return [*_pools(documents), *_tenants(documents), *_services(documents), *_graphs(documents), *_exemptions(documents),
            *_cohorts(documents), *_pool_lists(documents), *_waves(documents)]


def quota_keys(pools: Mapping[str, NodePool]) -> list[str]:
    """The quota keys that a set of pools has: the pool's name, or pool/profile for each MIG profile."""
    return [f"{name}/{profile}" if profile else name for name, pool in pools.items() for profile in _profiles(pool) or [""]]


def _profiles(pool: NodePool) -> list[str]:
    sharing = pool.spec.sharing
    return list(sharing.mig.layout) if sharing is not None and sharing.mig is not None else []


def _error(place: Place, path: str, message: str, remedy: str) -> SpecError:
    path = place.path(path)
    return SpecError(place.file, place.line(path), path, message, remedy)


def _pools(documents: Documents) -> Iterator[SpecError]:
    if documents.environment is None or documents.environment.spec.cloud == "aws":
        return
    for name, pool in documents.pools.items():
        if pool.spec.aws_nodes is not None:
            yield _error(documents.places[("NodePool", name)], pool.spec.path,
                         "the environment's cloud is existing: there is no EKS to make nodes in.",
                         "Describe the nodes as existing_nodes, or set cloud to aws.")


def _tenants(documents: Documents) -> Iterator[SpecError]:
    for name, tenant in documents.tenants.items():
        place = documents.places[("Tenant", name)]
        yield from _quota(documents, tenant.spec.quota, place, "spec.quota")
        yield from _egress(documents, tenant, place)
        yield from _names(tenant, place)
        yield from _reachable_from(documents, tenant, place)
        if documents.environment is not None:
            yield from _settings(documents.environment, tenant, place)
        elif is_reserved(name):
            yield _reserved(name, place)


def _reserved(name: str, place: Place) -> SpecError:
    return _error(place, "metadata.name", f'"{name}" is the name of a platform namespace.', "Choose another name.")


def _quota(documents: Documents, quota: Iterable[str], place: Place, path: str) -> Iterator[SpecError]:
    keys = quota_keys(documents.pools)
    for key in quota:
        if key not in keys and ("NodePool", key.partition("/")[0]) not in documents.unreadable:
            yield _error(place, f"{path}.{key}", f"there is no such pool or profile; there are: {choices(keys)}.",
                         "Add the node pool, or correct the name.")


def _reachable_from(documents: Documents, tenant: Tenant, place: Place) -> Iterator[SpecError]:
    for index, each in enumerate(tenant.spec.reachable_from):
        if each.tenant == tenant.metadata.name:
            yield _error(place, f"spec.reachable_from[{index}].tenant", "this is the tenant itself.", "Name another tenant.")
        elif not documents.has("Tenant", each.tenant):
            message = f'there is no tenant "{each.tenant}"; there are: {choices(documents.tenants)}.'
            yield _error(place, f"spec.reachable_from[{index}].tenant", message, "Add the tenant, or correct the name.")


def _settings(environment: Environment, tenant: Tenant, place: Place) -> Iterator[SpecError]:
    settings = environment.spec
    monitoring = settings.monitoring.namespace if settings.monitoring is not None else None
    gateway, tracing = settings.gateway, settings.tracing
    theirs = (monitoring, tracing and tracing.namespace, gateway and gateway.namespace, gateway and gateway.proxy_namespace)
    if is_reserved(tenant.name) or tenant.name in theirs:
        yield _reserved(tenant.name, place)
    cohort = tenant.spec.cohort
    if cohort is not None and cohort not in settings.cohorts:
        yield _error(place, "spec.cohort", f'there is no cohort "{cohort}"; there are: {choices(settings.cohorts)}.',
                     "Add it to cohorts of environment.yaml, or correct the name.")
    for name, queue in tenant.spec.local_queues.items():
        if queue.fair_sharing_weight is not None and settings.kueue.admission_fair_sharing is None:
            yield _error(place, f"spec.local_queues.{name}.fair_sharing_weight", "weights of LocalQueues only count with admission fair "
                         "sharing.", "Add kueue.admission_fair_sharing to environment.yaml, or remove it.")
    for index, secret in enumerate(tenant.spec.secrets):
        if secret.store not in settings.secret_stores:
            yield _error(place, f"spec.secrets[{index}].store", f'there is no secret store "{secret.store}"; there are: '
                         f"{choices(settings.secret_stores)}.",
                         "Add it to secret_stores of environment.yaml, or correct the name.")
        elif (azure := settings.secret_stores[secret.store].azure_key_vault) is not None and tenant.name not in azure.client_ids:
            yield _error(place, f"spec.secrets[{index}].store", f'store "{secret.store}" has no identity for this tenant; it has those of: '
                         f"{choices(azure.client_ids)}.", "Add the tenant to client_ids of the store in environment.yaml.")
        elif (aws := settings.secret_stores[secret.store].aws_secrets_manager) is not None and aws.reader_roles is not None:
            prefix = aws.reader_roles.prefix_template.replace(TENANT_WORD, tenant.name)
            for key, at in secret.data.items():
                if not at.key.startswith(prefix):
                    yield _error(place, f"spec.secrets[{index}].data.{key}.key", f'"{at.key}" does not begin with "{prefix}", and the '
                                 f'tenant\'s role for store "{secret.store}" reads nothing else.', "Move the secret, or correct its name.")


def _egress(documents: Documents, tenant: Tenant, place: Place) -> Iterator[SpecError]:
    for index, rule in enumerate(tenant.spec.egress):
        if rule.namespace is not None and documents.has("Tenant", rule.namespace):
            yield _error(place, f"spec.egress[{index}].namespace",
                         f'"{rule.namespace}" is a tenant; tenants do not reach each other.',
                         "Name a platform namespace or a cidr.")
        try:
            ipaddress.ip_network(rule.cidr or "10.0.0.0/8")
        except ValueError as error:
            yield _error(place, f"spec.egress[{index}].cidr", f"{error}.", "Write the network address, e.g. 10.20.0.0/16.")


def _names(tenant: Tenant, place: Place) -> Iterator[SpecError]:
    for what, names in (("egress", [rule.name for rule in tenant.spec.egress]),
                        ("secrets", [secret.name for secret in tenant.spec.secrets])):
        for index, name in enumerate(names):
            if name in names[:index]:
                yield _error(place, f"spec.{what}[{index}].name", f'the name "{name}" is given twice.', "Rename one of them.")


def _services(documents: Documents) -> Iterator[SpecError]:
    for entry in documents.services.values():
        if entry.role:
            yield from _memory(entry)
            continue
        if not documents.has("Tenant", entry.tenant):
            yield _error(entry.place, "metadata.name", f"its folder names the tenant {shown(entry.tenant)}, which is not there; "
                         f"there are: {choices(documents.tenants)}.", "Add the tenant's file, or move this one.")
        yield from _memory(entry)
        yield from _names_of_prefill(documents, entry)
        name = entry.document.spec.placement.pool
        if name in documents.pools:
            yield from _placement(entry, _profiles(documents.pools[name]))
            yield from _topology(entry, documents)
        elif not documents.has("NodePool", name):
            yield _error(entry.place, "spec.placement.pool", f'there is no pool "{name}"; there are: {choices(documents.pools)}.',
                         "Add the node pool, or correct the name.")


def _graphs(documents: Documents) -> Iterator[SpecError]:
    for graph in documents.graphs.values():
        if not documents.has("Tenant", graph.tenant):
            yield _error(graph.place, "metadata.name", f"its folder names the tenant {shown(graph.tenant)}, which is not there; "
                         f"there are: {choices(documents.tenants)}.", "Add the tenant's file, or move this one.")
        there = {entry.document.name: entry for entry in documents.services.values() if entry.tenant == graph.tenant and not entry.role}
        for name, node in graph.document.spec.nodes.items():
            for index, step in enumerate(node.steps):
                path = f"spec.nodes.{name}.steps[{index}].service"
                if step.service is None or documents.unread_service(graph.tenant, step.service):
                    continue
                if step.service not in there:
                    yield _error(graph.place, path, f'tenant "{graph.tenant}" has no service "{step.service}"; there are: '
                                 f"{choices(there)}.", "Add the service, or correct the name.")
                elif not answers_by_service(there[step.service]):
                    yield _error(graph.place, path, f'"{step.service}" reads prompts in pods of their own, which only its endpoint picker '
                                 "tells apart; KServe's graphs call a Service.",
                                 "Name a service without prefill, or give it router.scheduler.proxy.")


def _placement(entry: ServiceEntry, profiles: list[str]) -> Iterator[SpecError]:
    placement, devices = entry.document.spec.placement, entry.document.spec.devices_per_replica
    if profiles and placement.profile not in profiles:
        yield _error(entry.place, "spec.placement.profile", f'pool "{placement.pool}" is cut by MIG into: {choices(profiles)}.',
                     "Name one of these profiles.")
    if not profiles and placement.profile is not None:
        yield _error(entry.place, "spec.placement.profile", f'pool "{placement.pool}" has whole GPUs, no MIG profiles.',
                     "Remove profile, or choose a MIG pool.")
    if profiles and devices > 1:
        yield _error(entry.place, _devices_path(entry), f"{devices} devices for one replica: MIG devices have no "
                     "peer-to-peer path, so parallelism over them is impossible.", "Use one device, or a pool of whole GPUs.")


def _topology(entry: ServiceEntry, documents: Documents) -> Iterator[SpecError]:
    placement = entry.document.spec.placement
    if placement.topology is None or documents.environment is None:
        return
    how = "required" if placement.topology.required is not None else "preferred"
    kueue, level = documents.environment.spec.kueue, placement.topology.required or placement.topology.preferred
    name = kueue.topology_of(placement.pool)
    levels = kueue.topologies[name].levels if name is not None else ()
    if level not in levels:
        there = f"topology \"{name}\" has: {', '.join(levels)}" if name is not None else f'pool "{placement.pool}" is in no topology'
        yield _error(entry.place, f"spec.placement.topology.{how}", f"{level} is no level of its pool: {there}.",
                     "Choose one of its levels, or add it to kueue.topologies of environment.yaml.")


def _devices_path(entry: ServiceEntry) -> str:
    if isinstance(entry.document, LLMInferenceService):
        return "spec.parallelism"
    return "spec.release.vllm.arguments" if entry.document.spec.release.vllm is not None else "spec.release.runtime.devices"


def _names_of_prefill(documents: Documents, entry: ServiceEntry) -> Iterator[SpecError]:
    for part in (*entry.entries(),)[1:]:
        other = documents.services[part.name]
        if not other.role:
            yield _error(entry.place, "spec.prefill", f'its pods are planned as "{part.document.name}", which {other.place} is called '
                         "already.", "Rename one of them.")


def _memory(entry: ServiceEntry) -> Iterator[SpecError]:
    resources = entry.document.spec.resources
    if resources.shared_memory_gib >= resources.memory_gib:
        yield _error(entry.place, "spec.resources.shared_memory_gib", f"{resources.shared_memory_gib} GiB leaves nothing of the "
                     f"{resources.memory_gib} GiB memory_gib that it is part of.", "Raise memory_gib or lower it.")


def _exemptions(documents: Documents) -> Iterator[SpecError]:
    seen: set[tuple[str, str, str, str]] = set()
    place = next((place for (kind, _), place in documents.places.items() if kind == "Exemptions"), None)
    for index, exemption in enumerate(documents.exemptions):
        key = (exemption.rule, exemption.resource.kind, exemption.resource.namespace, exemption.resource.name)
        if place is not None and key in seen:
            yield _error(place, f"spec.exemptions[{index}]",
                         f"{exemption.rule} is waived twice for {' '.join(filter(None, key[1:]))}.", "Keep one.")
        seen.add(key)


def _cohorts(documents: Documents) -> Iterator[SpecError]:
    if documents.environment is None:
        return
    cohorts = documents.environment.spec.cohorts
    place = documents.places[("Environment", documents.environment.name)]
    for name, cohort in sorted(cohorts.items()):
        if cohort.parent is not None and cohort.parent not in cohorts:
            yield _error(place, f"spec.cohorts.{name}.parent",
                         f'there is no cohort "{cohort.parent}"; there are: {choices(cohorts)}.', "Add it, or correct the name.")
        yield from _quota(documents, cohort.quota, place, f"spec.cohorts.{name}.quota")
        cycle = _walk_up(name, {child: found.parent for child, found in cohorts.items()})
        if cycle and min(cycle) == name:
            yield _error(place, f"spec.cohorts.{name}.parent", f"the cohorts form a cycle: {' → '.join([*cycle, name])}.",
                         "A cohort tree has one root: remove one parent.")


def _pool_lists(documents: Documents) -> Iterator[SpecError]:
    """Pools that the environment names for Volcano and for Kueue's topologies."""
    if documents.environment is None:
        return
    settings, place = documents.environment.spec, documents.places[("Environment", documents.environment.name)]
    lists = {f"spec.kueue.topologies.{name}.pools": topology.pools for name, topology in settings.kueue.topologies.items()}
    if settings.volcano is not None:
        lists["spec.volcano.pools"] = settings.volcano.pools
    for path, pools in lists.items():
        for name in pools:
            if not documents.has("NodePool", name):
                yield _error(place, path, f'there is no pool "{name}"; there are: {choices(documents.pools)}.',
                             "Add the node pool, or correct the name.")


def _waves(documents: Documents) -> Iterator[SpecError]:
    """Tenants that the environment names to go first."""
    if documents.environment is None:
        return
    place = documents.places[("Environment", documents.environment.name)]
    for index, wave in enumerate(documents.environment.spec.applying.waves):
        for name in wave:
            if not documents.has("Tenant", name):
                message = f'there is no tenant "{name}"; there are: {choices(documents.tenants)}.'
                yield _error(place, f"spec.applying.waves[{index}]", message, "Add the tenant, or correct the name.")


def _walk_up(name: str, parents: Mapping[str, str | None]) -> list[str]:
    """The cohorts from ``name`` upward back to itself; empty where the way up does not lead back to it."""
    walked, current = [name], parents[name]
    while current is not None and current in parents and current not in walked:
        walked.append(current)
        current = parents[current]
    return walked if current == name else []
