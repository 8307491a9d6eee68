"""Network policies in one shape: whom they select, which directions they close, and which peers they open.

Kubernetes' NetworkPolicy and Cilium's policies isolate by the same logic (what a policy selects is closed except
for what some policy opens), so rules read both through this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from gpuplane.graph.label_selectors import everything, selects
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping, told
from gpuplane.graph.tenancy import home

Direction = Literal["Ingress", "Egress"]
DIRECTIONS: tuple[Direction, Direction] = ("Ingress", "Egress")

_PEERS = {
    "Ingress": ("from", "fromEndpoints", "fromCIDR", "fromCIDRSet", "fromEntities", "fromRequires", "fromNodes", "fromGroups"),
    "Egress": ("to", "toEndpoints", "toCIDR", "toCIDRSet", "toEntities", "toFQDNs", "toServices", "toRequires", "toNodes",
               "toGroups"),
}


@dataclass(frozen=True)
class Peer:
    """One source or destination that a policy opens.

    Attributes:
        direction: as seen from the selected pods.
        path: where it stands in the object.
        value: the peer; None where the rule names nobody, which means everybody.
        form: field it stands in, e.g. ``from`` or ``toCIDR``.
        ports: whether the rule is narrowed to ports.
        rule: the rule that it stands in.
    """

    direction: Direction
    path: str
    value: Any
    form: str
    ports: bool
    rule: Any = None

    @property
    def by_name(self) -> bool:
        """Whether it is narrower than everybody and than all pods of the own namespace."""
        if self.value is None:
            return False
        own_namespace = not lookup(self.value, "namespaceSelector") and not lookup(self.value, "ipBlock")
        return self.ports or not (own_namespace and everything(lookup(self.value, "podSelector")))


@dataclass(frozen=True)
class NetworkRules:
    """One policy.

    Attributes:
        view: the object.
        namespace: where it holds; empty for everywhere.
        selector: pods it selects.
        isolates: directions that are closed for them, except for what is opened.
        peers: what it opens.
        denied: what it closes again, whoever opens it (Cilium's ``ingressDeny`` and ``egressDeny``).
    """

    view: ResourceView
    namespace: str
    selector: Mapping[str, Any]
    isolates: frozenset[Direction]
    peers: tuple[Peer, ...]
    denied: tuple[Peer, ...] = ()

    def covers(self, namespace: str, labels: Mapping[str, Any]) -> bool:
        """Whether it selects pods with these labels there."""
        return self.namespace in ("", namespace) and selects(self.selector, labels)

    def covers_all(self, namespace: str) -> bool:
        """Whether it selects every pod there."""
        return self.namespace in ("", namespace) and everything(self.selector)

    def denies(self, direction: Direction) -> bool:
        """Whether it is there to deny: it opens nothing in that direction, or closes both and opens only by name.

        A policy that only allows closes what it selects, too, but only as long as somebody needs what it allows.
        """
        if direction not in self.isolates:
            return False
        opened = [peer for peer in self.peers if peer.direction == direction]
        return not opened or (len(self.isolates) == len(DIRECTIONS) and all(peer.by_name for peer in opened))


@lru_cache(maxsize=4)
def network_policies(graph: PlannedGraph) -> tuple[NetworkRules, ...]:
    """Every network policy of the graph, in its order."""
    return tuple(rules for view in graph.objects("NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")
                 for rules in _rules(view))


def sandbox_peers(view: ResourceView) -> tuple[Peer, ...]:
    """What the network policy opens that the agent sandbox's controller makes from a SandboxTemplate, for its pods alone."""
    return tuple(_peers(mapping(view.get("spec", "networkPolicy")), "spec.networkPolicy"))


def policies_in(graph: PlannedGraph, namespace: str) -> tuple[NetworkRules, ...]:
    """Network policies that hold in a namespace, in the graph's order: its own, and those that hold everywhere."""
    found = _by_namespace(graph)
    return found.get(namespace, found[""])


@lru_cache(maxsize=4)
def _by_namespace(graph: PlannedGraph) -> Mapping[str, tuple[NetworkRules, ...]]:
    """By each namespace that has some; ``""`` for all others."""
    found: dict[str, list[NetworkRules]] = {"": [], **{policy.namespace: [] for policy in network_policies(graph)}}
    for policy in network_policies(graph):
        for namespace in [policy.namespace] if policy.namespace else found:
            found[namespace].append(policy)
    return {namespace: tuple(each) for namespace, each in found.items()}


def _rules(view: ResourceView) -> Iterator[NetworkRules]:
    if view.group in ("networking.k8s.io", "extensions") and view.kind == "NetworkPolicy":
        spec = mapping(view.get("spec"))
        # Without policyTypes a policy closes ingress, and egress only if it opens some (networking.k8s.io/v1).
        types = items(spec.get("policyTypes")) or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
        closed = frozenset(each for each in DIRECTIONS if each in types)
        yield NetworkRules(view, home(view), mapping(spec.get("podSelector")), closed, tuple(_peers(spec, "spec")))
    elif view.group == "cilium.io":
        specs = [("spec", view.get("spec")), *((f"specs[{i}]", each) for i, each in enumerate(items(view.get("specs"))))]
        namespace = home(view) if view.kind == "CiliumNetworkPolicy" else ""
        for path, spec in specs:
            if isinstance(spec, Mapping) and "endpointSelector" in spec:
                # An empty list closes nothing: a direction is closed that has at least one rule, be it one that denies (cilium
                # pkg/policy/api/rule_validation.go, Sanitize).
                closed = frozenset(each for each in DIRECTIONS if (items(spec.get(each.lower())) or items(spec.get(f"{each.lower()}Deny")))
                                   and lookup(spec, "enableDefaultDeny", each.lower()) is not False)
                yield NetworkRules(view, namespace, mapping(spec["endpointSelector"]), closed, tuple(_peers(spec, path)),
                                   tuple(_peers(spec, path, "Deny")))


def _peers(spec: Mapping[str, Any], path: str, suffix: str = "") -> Iterator[Peer]:
    for direction in DIRECTIONS:
        for index, rule in enumerate(items(spec.get(f"{direction.lower()}{suffix}"))):
            at = f"{path}.{direction.lower()}{suffix}[{index}]"
            ports = bool(told(rule, "ports") or told(rule, "toPorts"))
            forms = [form for form in _PEERS[direction] if told(rule, form)]
            # A Cilium rule without peers opens nothing, but for one of ports alone, which opens them to everybody.
            if not forms and ("endpointSelector" not in spec or (ports and not any(form in mapping(rule) for form in _PEERS[direction]))):
                yield Peer(direction, at, None, "from" if direction == "Ingress" else "to", ports, rule)
            for form in forms:
                for place, value in enumerate(items(lookup(rule, form))):
                    yield Peer(direction, f"{at}.{form}[{place}]", value, form, ports, rule)
