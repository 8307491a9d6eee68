"""Volumes and model caches: one volume under two names, a node's disk, a copy of weights that the whole cluster may mount."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gpuplane.graph.model_sources import model_sources
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.edges import Edge, Maker, Medium, maker, parties, platform, tenant
from gpuplane.graph.reachability.tenant_pods import among, tenant_pods
from gpuplane.graph.references import references
from gpuplane.graph.resource_view import ResourceView, items, lookup
from gpuplane.graph.tenancy import home, owner, tenants_of_namespaces

_BACKINGS = (("csi", "volumeHandle"), ("nfs", "server"), ("hostPath", "path"), ("local", "path"), ("cephfs", "path"), ("iscsi", "iqn"))


def volume_edges(graph: PlannedGraph) -> Iterator[Edge]:
    """Who reads or writes whose files."""
    yield from _volumes(graph)
    yield from _copies(graph)
    yield from _disks(graph)
    yield from _caches(graph)


def _volumes(graph: PlannedGraph) -> Iterator[Edge]:
    """What is behind each PersistentVolume, and the tenants that claim it: by its claimRef, or by a claim that names it."""
    tenants = tenants_of_namespaces(graph)
    volumes = {view.name: view for view in graph.objects("PersistentVolume")}
    users: dict[str, dict[str, Maker]] = defaultdict(dict)
    for view in sorted(volumes.values(), key=lambda each: each.name):
        claimant = tenants.get(str(view.get("spec", "claimRef", "namespace")))
        if claimant is not None:
            users[_backing(view)].setdefault(claimant, maker(view))
    for claim in sorted(graph.objects("PersistentVolumeClaim"), key=lambda each: (home(each), each.name)):
        name, claimant = claim.get("spec", "volumeName"), tenants.get(home(claim))
        if isinstance(name, str) and claimant is not None:
            backing = _backing(volumes[name]) if name in volumes else f"PersistentVolume {name}"
            users[backing].setdefault(claimant, maker(claim, "spec.volumeName"))
    for backing, by_tenant in sorted(users.items()):
        yield from among(Medium.VOLUMES, by_tenant, f"both tenants mount {backing}")


def _backing(view: ResourceView) -> str:
    for kind, field in _BACKINGS:
        value = lookup(view.get("spec", kind), field)
        if isinstance(value, str):
            rest = lookup(view.get("spec", kind), "path") if kind == "nfs" else ""
            return f"the volume {kind} {value}{rest or ''}"
    return f"PersistentVolume {view.name}"


def _copies(graph: PlannedGraph) -> Iterator[Edge]:
    """A claim that is filled from another namespace's volume or snapshot."""
    tenants = tenants_of_namespaces(graph)
    for view in graph.objects("PersistentVolumeClaim"):
        own = tenants.get(home(view))
        for reference in references(graph, view) if own is not None else ():
            other = tenants.get(reference.namespace)
            if other is not None and other != own:
                yield Edge(Medium.VOLUMES, tenant(str(own)), tenant(other), f"{view} is a copy of {reference.what} of tenant {other}",
                           (maker(view, reference.path),))


def _disks(graph: PlannedGraph) -> Iterator[Edge]:
    for pods in tenant_pods(graph):
        for index, volume in enumerate(items(lookup(pods.template.spec, "volumes"))):
            path = lookup(volume, "hostPath", "path")
            if path is not None:
                sentence = f"{pods.view} mounts {path} of the node's disk, where other tenants' pods run"
                yield Edge(Medium.VOLUMES, tenant(pods.tenant), platform("nodes"), sentence,
                           (maker(pods.view, f"{pods.template.path}.volumes[{index}].hostPath"),))


def _caches(graph: PlannedGraph) -> Iterator[Edge]:
    """A LocalModelCache is for the whole cluster: KServe gives its copy to every service that names the URI, without credentials."""
    caches = [view for view in graph.objects("LocalModelCache") if isinstance(view.get("spec", "sourceModelUri"), str)]
    if not caches:
        return
    everybody = parties(set(tenants_of_namespaces(graph).values()))
    users: dict[str, dict[str, Maker]] = defaultdict(dict)
    for view in graph.objects("InferenceService", "LLMInferenceService"):
        own = owner(graph, view)
        for source in model_sources(graph, view) if own is not None else ():
            for cache in caches:
                if isinstance(source.uri, str) and source.uri.startswith(str(cache.get("spec", "sourceModelUri"))):
                    users[cache.urn].setdefault(str(own), maker(view, source.path))
    for cache in caches:
        named = graph.tenant_of(cache)
        owners = {**users[cache.urn], **({named: maker(cache)} if named is not None else {})}
        for target, by in sorted(owners.items()):
            for other in everybody:
                sentence = f"any service of {other} that names the URI is given the weights of tenant {target} that {cache} keeps"
                yield Edge(Medium.VOLUMES, other, tenant(target), sentence, tuple(dict.fromkeys((maker(cache), by))))
