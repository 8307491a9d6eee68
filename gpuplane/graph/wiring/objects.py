"""References by name inside a namespace: accounts, volumes, configuration, secrets, stores, runtimes, and workloads' own selectors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.label_selectors import everything, selects
from gpuplane.graph.model_sources import model_sources
from gpuplane.graph.pod_templates import KSERVE_GROUP, PodContainer, dotted
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, told
from gpuplane.graph.tenancy import home
from gpuplane.graph.wiring import kserve_objects as kserve
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.pods import Pods

_ADDRESS = re.compile(r"^http://([a-z0-9][-a-z0-9]*)\.([a-z0-9][-a-z0-9]*)\.svc[-.a-z0-9]*(?::(\d+))?(?:/|$)")
_CALLED = ("Service", "InferenceService", "LLMInferenceService")
SECRET_MAKERS = ("Secret", "ExternalSecret", "SealedSecret", "Certificate", "ClusterExternalSecret", "VaultStaticSecret")
_FROM_KUBERNETES = {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}
"""Objects that Kubernetes makes in every namespace."""
_RUNTIMES = ("ServingRuntime", "ClusterServingRuntime")
_KSERVE_OWN = "kserve-"
"""Beginning of the names of runtimes and presets that KServe's own charts bring."""


def reference_links(index: Index) -> Iterator[Link]:
    """Each reference of a pod, an InferenceService, an ExternalSecret or a store, to the object it names."""
    for pods in index.pods:
        seen: set[tuple[str, str]] = set()
        for kind, name, path, optional in _of_pods(pods):
            if not optional and (kind, str(name)) not in seen:
                seen.add((kind, str(name)))
                yield _link(index, pods.view, kind, pods.namespace, name, path, pods.serving)
        yield from _claims(index, pods)
    for view in index.graph.objects("InferenceService"):
        if kserve.is_inference_service(view):
            yield from _runtime(index, view)
    for view in index.graph.objects("LLMInferenceService"):
        for number, ref in enumerate(items(view.get("spec", "baseRefs"))):
            name = lookup(ref, "name")
            if not str(name).startswith(_KSERVE_OWN):
                yield _link(index, view, "LLMInferenceServiceConfig", home(view), name, f"spec.baseRefs[{number}].name", True)
    for view in index.graph.objects("InferenceGraph"):
        yield from _graph(index, view)
    yield from _secrets(index)


def template_links(index: Index) -> Iterator[Link]:
    """Each workload's selector, to the labels of its own pods: the API server refuses those that do not match."""
    for pods in index.pods:
        template, view = pods.template, pods.view
        if template is None or view.group == KSERVE_GROUP or len(template.steps) < 2:
            continue
        above = template.steps[:-2]
        selector = lookup(view.props, *above, "selector")
        if not isinstance(selector, Mapping) or told(view.props, *above, "template") is None:
            continue
        whole = selector if {"matchLabels", "matchExpressions"} & set(selector) else {"matchLabels": selector}
        right = selects(whole, template.labels)
        yield Link(Relation.TEMPLATE, view, f"selector of {view}", dotted((*above, "selector")), "the labels of its own pod template",
                   State.FOUND if right else State.DANGLING, "they match" if right else "they do not match", (view.urn,), pods.serving)


def _of_pods(pods: Pods) -> Iterator[tuple[str, Any, str, bool]]:
    """Kind, name and path of all that a pod names, and whether it may be missing."""
    if pods.template is None:
        return
    spec, at = pods.template.spec, pods.template.path
    for key, kind in _NAMED.items():
        if told(spec, key):
            yield kind, spec[key], f"{at}.{key}", False
    for number, item in enumerate(items(spec.get("imagePullSecrets"))):
        yield "Secret", lookup(item, "name"), f"{at}.imagePullSecrets[{number}]", False
    for number, volume in enumerate(items(spec.get("volumes"))):
        for source, kind, key in _VOLUMES:
            ref = lookup(volume, source)
            if ref is not None:
                yield kind, lookup(ref, key), f"{at}.volumes[{number}].{source}.{key}", lookup(ref, "optional") is True
    for container in pods.template.containers:
        yield from _of_container(container)


def _of_container(container: PodContainer) -> Iterator[tuple[str, Any, str, bool]]:
    for key, steps in (("envFrom", ("configMapRef", "secretRef")), ("env", ("configMapKeyRef", "secretKeyRef"))):
        for number, item in enumerate(items(container.spec.get(key))):
            for source in steps:
                ref = lookup(item, source) if key == "envFrom" else lookup(item, "valueFrom", source)
                if ref is not None:
                    kind = "ConfigMap" if source.startswith("configMap") else "Secret"
                    yield kind, lookup(ref, "name"), f"{container.path}.{key}[{number}]", lookup(ref, "optional") is True


_NAMED = {"serviceAccountName": "ServiceAccount", "serviceAccount": "ServiceAccount", "priorityClassName": "PriorityClass",
          "storageContainerName": "ClusterStorageContainer"}
_VOLUMES = (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName"),
            ("persistentVolumeClaim", "PersistentVolumeClaim", "claimName"))


def _claims(index: Index, pods: Pods) -> Iterator[Link]:
    """Models on volumes: ``pvc://claim/path``."""
    if not pods.serving or (pods.template is not None and pods.template.steps[-1:] == ("workerSpec",)):
        return
    for source in model_sources(index.graph, pods.view):
        if isinstance(source.uri, str) and source.uri.startswith("pvc://"):
            claim = source.uri.removeprefix("pvc://").partition("/")[0]
            yield _link(index, pods.view, "PersistentVolumeClaim", pods.namespace, claim, source.path, True)


def _runtime(index: Index, view: ResourceView) -> Iterator[Link]:
    for component in kserve.COMPONENTS:
        name = view.get("spec", component, "model", "runtime")
        if isinstance(name, str) and name:
            own, shared = index.find(_RUNTIMES[0], home(view), name), index.find(_RUNTIMES[1], "", name)
            spoken = not name.startswith(_KSERVE_OWN) and (index.speaks(home(view), _RUNTIMES[0]) or index.speaks("", _RUNTIMES[1]))
            state = State.FOUND if own or shared else State.DANGLING if spoken else State.OUTSIDE
            yield Link(Relation.REFERENCE, view, f"runtime of {view}", f"spec.{component}.model.runtime",
                       f"ServingRuntime {home(view)}/{name} or ClusterServingRuntime {name}", state,
                       "it is there" if state is State.FOUND else "there is none of that name", (view.urn,))
            runtime = own or shared
            if runtime is not None:
                yield from _format(view, component, runtime)


def _format(view: ResourceView, component: str, runtime: ResourceView) -> Iterator[Link]:
    """A runtime takes only the model formats it lists: for another KServe makes no pods, and says so in no event."""
    wanted = view.get("spec", component, "model", "modelFormat", "name")
    formats = sorted({str(lookup(item, "name")) for item in items(runtime.get("spec", "supportedModelFormats"))})
    if isinstance(wanted, str) and formats:
        right = wanted in formats
        yield Link(Relation.REFERENCE, view, f"model format {wanted} of {view}", f"spec.{component}.model.modelFormat.name", str(runtime),
                   State.FOUND if right else State.DANGLING, f"it supports {', '.join(formats)}", (view.urn,))


def _graph(index: Index, view: ResourceView) -> Iterator[Link]:
    nodes = mapping(view.get("spec", "nodes"))
    for node, value in nodes.items():
        for number, step in enumerate(items(lookup(value, "steps"))):
            at = f"spec.nodes.{node}.steps[{number}]"
            if told(step, "serviceName"):
                yield _link(index, view, "InferenceService", home(view), lookup(step, "serviceName"), f"{at}.serviceName", True)
            if told(step, "serviceUrl"):
                yield from _called(index, view, str(lookup(step, "serviceUrl")), f"{at}.serviceUrl")
            if told(step, "nodeName"):
                there = lookup(step, "nodeName") in nodes
                yield Link(Relation.REFERENCE, view, f"step {number} of node {node} of {view}", f"{at}.nodeName",
                           f"node {lookup(step, 'nodeName')} of the graph", State.FOUND if there else State.DANGLING,
                           "it is there" if there else "the graph has no such node")


def _called(index: Index, view: ResourceView, url: str, path: str) -> Iterator[Link]:
    """The Service that an address inside the cluster names."""
    match = _ADDRESS.match(url)
    if match:
        name, namespace, port = match.groups()
        service = index.services.get((namespace, name))
        right = service is not None and (not service.ports or service.port(port or 80) is not None)
        state = State.FOUND if right else State.DANGLING if index.speaks(namespace, *_CALLED) else State.OUTSIDE
        yield Link(Relation.REFERENCE, view, f"reference of {view}", path, f"Service {namespace}/{name} port {port or 80}", state,
                   "it is there" if right else "there is no such Service or port", (view.urn,))


def _secrets(index: Index) -> Iterator[Link]:
    """ExternalSecret to its store, and a store to the account that it reads with."""
    for view in index.graph.objects("ExternalSecret"):
        ref = view.get("spec", "secretStoreRef")
        kind = str(told(ref, "kind") or "SecretStore")
        if told(ref, "name"):
            namespace = "" if kind == "ClusterSecretStore" else home(view)
            yield _link(index, view, kind, namespace, lookup(ref, "name"), "spec.secretStoreRef", True)
    for view in index.graph.objects("SecretStore"):
        account = told(view.props, "spec", "provider", "aws", "auth", "jwt", "serviceAccountRef", "name")
        if account:
            yield _link(index, view, "ServiceAccount", home(view), account, "spec.provider.aws.auth.jwt.serviceAccountRef.name", True)


def _link(index: Index, view: ResourceView, kind: str, namespace: str, name: Any, path: str, serving: bool) -> Link:
    shown = f"{kind} {namespace}/{name}" if namespace and kind not in ("PriorityClass", "ClusterStorageContainer") else f"{kind} {name}"
    state, why = _state(index, kind, namespace, name)
    return Link(Relation.REFERENCE, view, f"reference of {view}", path, shown, state, why, (view.urn,), serving)


def _state(index: Index, kind: str, namespace: str, name: Any) -> tuple[State, str]:
    if isinstance(name, Unknown):
        return State.OUTSIDE, "its name is only known after apply"
    place = "" if kind in ("PriorityClass", "ClusterStorageContainer", "ClusterSecretStore") else namespace
    if (kind, str(name)) in _FROM_KUBERNETES or index.find(kind, place, name) is not None or _made(index, kind, place, str(name)):
        return State.FOUND, "it is there"
    if kind == "PriorityClass" and str(name).startswith("system-"):
        return State.FOUND, "Kubernetes has it"
    makers = SECRET_MAKERS if kind == "Secret" else (kind,)
    return (State.DANGLING if index.speaks(place, *makers) else State.OUTSIDE), f"there is no {kind} of that name"


def _made(index: Index, kind: str, namespace: str, name: str) -> bool:
    """Whether another object makes it: secrets from a store or a certificate, claims from a StatefulSet."""
    if kind == "Secret":
        for maker in SECRET_MAKERS[1:]:
            for view in index.kinds.get((maker, namespace), []):
                named = (view.get("spec", *path) for path in (("target", "name"), ("secretName",), ("destination", "name")))
                if name == next((made for made in named if made is not None), view.name):
                    return True
    return False


def account_reference(pods: Pods) -> str:
    """Name of the ServiceAccount that pods run as."""
    spec = pods.template.spec if pods.template is not None else {}
    name = next((spec[key] for key in ("serviceAccountName", "serviceAccount") if spec.get(key) not in (None, "")), "default")
    return name if isinstance(name, str) else ""


def _proxied_gateway(index: Index, selector: Mapping[str, Any]) -> ResourceView | None:
    """The Gateway whose proxies a selector means: Envoy Gateway makes them and labels them (its reference, Gateway labels)."""
    labels = mapping(selector.get("matchLabels"))
    wanted = tuple(labels.get(f"gateway.envoyproxy.io/owning-gateway-{part}") for part in ("namespace", "name"))
    return next((view for view in index.graph.objects("Gateway") if (view.namespace, view.name) == wanted), None)


def policy_links(index: Index) -> Iterator[Link]:
    """Each NetworkPolicy that selects pods by label, to such pods: one that selects nobody protects nobody."""
    for view in index.graph.objects("NetworkPolicy"):
        selector, namespace = view.get("spec", "podSelector"), home(view)
        if not isinstance(selector, Mapping) or everything(selector):
            continue
        gateway = _proxied_gateway(index, selector)
        if gateway is not None:
            yield Link(Relation.POLICY, view, f"podSelector of {view}", "spec.podSelector", f"pods of namespace {namespace}", State.FOUND,
                       f"it selects the proxies of {gateway}", (gateway.urn,), False)
            continue
        found = index.select(namespace, selector)
        here = bool(index.by_namespace.get(namespace)) and not index.opaque(namespace)
        yield Link(Relation.POLICY, view, f"podSelector of {view}", "spec.podSelector", f"pods of namespace {namespace}",
                   State.FOUND if found else State.DANGLING if here else State.OUTSIDE,
                   f"it selects {found[0]}" if found else "it selects none", tuple(each.view.urn for each in found), False)
