"""Where an object points beyond its own namespace: other namespaces by name, and outside stores by their paths.

Most Kubernetes references (Secrets, volume claims, service accounts of pods) cannot leave the namespace; these can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.model_sources import model_sources
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping, told
from gpuplane.graph.tenancy import all_tenants, tenants_of_namespaces

ROLE_ARN = "eks.amazonaws.com/role-arn"
"""Annotation by which a ServiceAccount takes an IAM role."""
ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute", "AIGatewayRoute")
_NUMBERS = (int, float, bool, type(None))
_SERVICE_HOST = re.compile(r"\b[a-z0-9][-a-z0-9]*\.([a-z0-9][-a-z0-9]*)\.svc\b")
_ACCOUNTS = "system:serviceaccounts"


@dataclass(frozen=True)
class Reference:
    """One reference.

    Attributes:
        path: where it stands in the object.
        what: what it is, in words; never a value that could be secret.
        namespace: namespace it reaches into; empty where it leads outside the cluster.
        names: names in a store by which an owner shows; matched whole, or with ``fuzzy`` also as ``owner-…`` and ``…-owner``.
    """

    path: str
    what: str
    namespace: str = ""
    names: tuple[str, ...] = ()
    fuzzy: bool = False


READ: Mapping[str, tuple[str, ...]] = {
    "RoleBinding": ("subjects",), "ReferenceGrant": ("spec.from",), "ExternalSecret": ("spec.secretStoreRef", "spec.data", "spec.dataFrom"),
    "SecretStore": ("spec.provider",), "PersistentVolumeClaim": ("spec.dataSourceRef",), "LocalQueue": ("spec.clusterQueue",),
    **dict.fromkeys(ROUTES, ("spec.parentRefs", "spec.rules")),
}
"""Where the references of a kind stand; what is only known after apply there may lead anywhere."""


def references(graph: PlannedGraph, view: ResourceView) -> Iterator[Reference]:
    """Every reference of an object that could leave its tenant."""
    if view.kind in _READERS:
        yield from _READERS[view.kind](view)
    elif view.kind in ROUTES:
        yield from _route(view)
    for source in model_sources(graph, view):
        yield from _bucket(source.uri, source.path)
    for path, text in _addresses(view.get("spec"), "spec"):
        for match in _SERVICE_HOST.finditer(text):
            yield Reference(path, f"a service of namespace {match.group(1)}", match.group(1))


def other_owner(graph: PlannedGraph, reference: Reference, own: str) -> str | None:
    """The other tenant that a reference leads to; None where it stays inside or leads to the platform."""
    if reference.namespace:
        other = tenants_of_namespaces(graph).get(reference.namespace)
        return other if other != own else None
    tenants = all_tenants(graph)
    owners = {tenant for name in reference.names for tenant in _bearers(name, reference.fuzzy) if tenant in tenants}
    nearest = max(owners, key=lambda tenant: (len(tenant), tenant), default=own)  # acme-dev-models is acme-dev's, not acme's
    return nearest if nearest != own else None


def _bearers(name: str, fuzzy: bool) -> list[str]:
    """Tenants whose name a name can bear: whole, or with ``fuzzy`` at its beginning or end."""
    cuts = [index for index, letter in enumerate(name) if letter == "-"] if fuzzy else []
    return [name, *(name[:index] for index in cuts), *(name[index + 1:] for index in cuts)]


def _role_binding(view: ResourceView) -> Iterator[Reference]:
    for index, subject in enumerate(items(view.get("subjects"))):
        kind, name = told(subject, "kind"), str(told(subject, "name"))
        if kind == "ServiceAccount" and told(subject, "namespace"):
            yield Reference(f"subjects[{index}]", f"ServiceAccount {name}", str(told(subject, "namespace")))
        elif kind == "Group" and name.startswith(f"{_ACCOUNTS}:"):
            namespace = name.removeprefix(f"{_ACCOUNTS}:")
            yield Reference(f"subjects[{index}]", f"all service accounts of namespace {namespace}", namespace)


def _route(view: ResourceView) -> Iterator[Reference]:
    places = [(f"spec.parentRefs[{i}]", ref) for i, ref in enumerate(items(view.get("spec", "parentRefs")))]
    for i, rule in enumerate(items(view.get("spec", "rules"))):
        places += [(f"spec.rules[{i}].backendRefs[{j}]", ref) for j, ref in enumerate(items(lookup(rule, "backendRefs")))]
        for j, each in enumerate(items(told(rule, "filters"))):
            places.append((f"spec.rules[{i}].filters[{j}]", lookup(each, "requestMirror", "backendRef")))
    for path, ref in places:
        if told(ref, "namespace"):
            yield Reference(path, f"{told(ref, 'kind') or 'Service'} {told(ref, 'name')}", str(told(ref, "namespace")))


def _gateway_policy(view: ResourceView) -> Iterator[Reference]:
    """Secrets and backends of Envoy Gateway's and Envoy AI Gateway's objects, which a ReferenceGrant lets out of the namespace."""
    for path, value in _mappings(view.get("spec"), "spec"):
        each = [(path, value), *((f"{path}.{key}[{i}]", one) for key in value for i, one in enumerate(items(value[key])))]
        for at, one in each:
            if told(one, "namespace") and told(one, "name"):
                yield Reference(at, f"{told(one, 'kind') or 'object'} {told(one, 'name')}", str(told(one, "namespace")))


def _reference_grant(view: ResourceView) -> Iterator[Reference]:
    for index, source in enumerate(items(view.get("spec", "from"))):
        yield Reference(f"spec.from[{index}]", f"every {told(source, 'kind')} of namespace {told(source, 'namespace')}",
                        str(told(source, "namespace")))


def _external_secret(view: ResourceView) -> Iterator[Reference]:
    for index, item in enumerate(items(view.get("spec", "data"))):
        yield from _key(lookup(item, "remoteRef", "key"), f"spec.data[{index}].remoteRef.key")
    for index, item in enumerate(items(view.get("spec", "dataFrom"))):
        yield from _key(lookup(item, "extract", "key"), f"spec.dataFrom[{index}].extract.key")
        yield from _key(lookup(item, "find", "path"), f"spec.dataFrom[{index}].find.path")


def _secret_store(view: ResourceView) -> Iterator[Reference]:
    for path, value in _mappings(view.get("spec", "provider"), "spec.provider"):
        account = value.get("serviceAccountRef")
        if told(account, "namespace"):
            what = f"ServiceAccount {told(account, 'name')}"
            yield Reference(f"{path}.serviceAccountRef", what, str(told(account, "namespace")))
        yield from _role(value.get("role"), f"{path}.role")
        remote = value.get("remoteNamespace")
        if isinstance(remote, str) and remote:
            yield Reference(f"{path}.remoteNamespace", f"Secrets of namespace {remote}", remote)


def _service_account(view: ResourceView) -> Iterator[Reference]:
    yield from _role(view.annotations.get(ROLE_ARN), f"metadata.annotations.{ROLE_ARN}")


def _volume_claim(view: ResourceView) -> Iterator[Reference]:
    namespace = view.get("spec", "dataSourceRef", "namespace")
    if namespace:
        yield Reference("spec.dataSourceRef", f"volume {view.get('spec', 'dataSourceRef', 'name')}", str(namespace))


_READERS: Mapping[str, Callable[[ResourceView], Iterator[Reference]]] = {
    "RoleBinding": _role_binding, "ReferenceGrant": _reference_grant, "ExternalSecret": _external_secret,
    **dict.fromkeys(("AIServiceBackend", "BackendSecurityPolicy", "BackendTLSPolicy", "SecurityPolicy"), _gateway_policy),
    "SecretStore": _secret_store, "ServiceAccount": _service_account, "PersistentVolumeClaim": _volume_claim,
}


def _key(key: Any, path: str) -> Iterator[Reference]:
    if isinstance(key, str):
        yield Reference(path, "a key in the secret store", names=tuple(part for part in key.split("/") if part))


def _role(arn: Any, path: str) -> Iterator[Reference]:
    if isinstance(arn, str) and arn:
        yield Reference(path, "an IAM role", names=(arn.rpartition("/")[2],), fuzzy=True)


def _bucket(uri: Any, path: str) -> Iterator[Reference]:
    scheme, _, rest = uri.partition("://") if isinstance(uri, str) else ("", "", "")
    if scheme in ("s3", "gs") and rest:
        bucket, *folders = rest.split("/")
        yield Reference(path, "a bucket", names=(bucket,), fuzzy=True)
        yield Reference(path, "a folder of a bucket", names=tuple(folders))


def _addresses(value: Any, path: str) -> list[tuple[str, str]]:
    """Texts that may hold a Service's host, with their paths."""
    found: list[tuple[str, str]] = []
    if _mentions((value,)):
        _collect(value, path, found)
    return found


def _mentions(values: Iterable[Any]) -> bool:
    """Whether any text below may hold such a host: most objects hold none, and to know that takes no paths."""
    for value in values:
        kind = type(value)
        if kind is str:
            if ".svc" in value:
                return True
        elif kind is dict:
            if _mentions(value.values()):
                return True
        elif kind is list:
            if _mentions(value):
                return True
        elif kind not in _NUMBERS:
            return True
    return False


def _collect(value: Any, path: str, found: list[tuple[str, str]]) -> None:
    if isinstance(value, str):
        if ".svc" in value:
            found.append((path, value))
    elif type(value) is dict or isinstance(value, Mapping):
        for key, item in value.items():
            if type(item) not in _NUMBERS and not (type(item) is str and ".svc" not in item):
                _collect(item, f"{path}.{key}", found)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            if type(item) not in _NUMBERS and not (type(item) is str and ".svc" not in item):
                _collect(item, f"{path}[{index}]", found)


def _mappings(value: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        yield path, mapping(value)
        for key in value:
            yield from _mappings(value[key], f"{path}.{key}")
