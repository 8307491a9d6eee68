"""Model names: what a route asks a backend for, against what the engines behind it answer to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpuplane.graph.resource_view import ResourceView, items, lookup, told
from gpuplane.graph.tenancy import home
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.picker_proxies import workloads_picked
from gpuplane.graph.wiring.routes import AI_BACKEND, AI_ROUTE, workloads_behind

MODEL_HEADERS = ("x-ai-eg-model", "x-gateway-model-name")
"""Headers that carry the model's name: Envoy AI Gateway's, and the one of the inference extension's body-based router."""


def model_links(index: Index) -> Iterator[Link]:
    """Each model name that a route selects or sends on, to an engine behind the backend that serves it."""
    for view in index.graph.objects(AI_ROUTE, "HTTPRoute"):
        default = AI_BACKEND if view.kind == AI_ROUTE else "Service"
        for number, rule in enumerate(items(view.get("spec", "rules"))):
            asked = tuple(_asked(rule))
            for place, ref in enumerate(items(lookup(rule, "backendRefs"))):
                path = f"spec.rules[{number}].backendRefs[{place}]"
                override = lookup(ref, "modelNameOverride")
                names = ((f"{path}.modelNameOverride", override),) if isinstance(override, str) and override else tuple(
                    (f"spec.rules[{number}].matches[{at}]", name) for at, name in asked)
                yield from _served(index, view, ref, names, default)


def _asked(rule: Any) -> Iterator[tuple[int, str]]:
    for at, match in enumerate(items(lookup(rule, "matches"))):
        for header in items(lookup(match, "headers")):
            exact, name, value = lookup(header, "type") in (None, "Exact"), lookup(header, "name"), lookup(header, "value")
            if exact and isinstance(name, str) and name.lower() in MODEL_HEADERS and isinstance(value, str):
                yield at, value


def _served(index: Index, view: ResourceView, ref: Any, names: tuple[tuple[str, str], ...],
            default: str) -> Iterator[Link]:
    namespace = str(told(ref, "namespace") or home(view))
    urns = workloads_behind(index, str(told(ref, "kind") or default), namespace, lookup(ref, "name"))
    pods = [each for each in index.pods_of_urns(urns) if not each.is_picker and not workloads_picked(index, each)]
    served = sorted({name for each in pods for name in each.served or ()})
    known = bool(pods) and all(each.served is not None for each in pods)
    for path, name in names:
        target = f"the engines behind {told(ref, 'kind') or default} {namespace}/{lookup(ref, 'name')}"
        start = f"model name {name} of {view}"
        if name in served:
            yield Link(Relation.MODEL, view, start, path, target, State.FOUND, "they serve it", urns)
        elif known:
            yield Link(Relation.MODEL, view, start, path, target, State.DANGLING, f"they serve {', '.join(served)}", urns)
        else:
            yield Link(Relation.MODEL, view, start, path, target, State.OUTSIDE, "which names they serve cannot be read", urns)
