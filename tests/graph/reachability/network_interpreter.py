"""A second reading of network policies, pod by pod and port by port, straight from the API's text; nothing of gpuplane is used.

NetworkPolicy: kubernetes.io/docs/concepts/services-networking/network-policies and the comments of networking/v1 types.
CiliumNetworkPolicy: docs.cilium.io, "Layer 3 examples", "Layer 4 examples" and "Deny Policies", for the fields that the random sets have.
"""

from typing import Any

Object = dict[str, Any]
PORTS = (("TCP", 53), ("TCP", 80), ("TCP", 443), ("TCP", 8080), ("TCP", 9000), ("UDP", 53))


def matches(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a LabelSelector matches."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions", []):
        key, operator = expression["key"], expression["operator"]
        there = key in labels
        listed = there and labels[key] in expression.get("values", [])
        if not {"In": listed, "NotIn": not listed, "Exists": there, "DoesNotExist": not there}[operator]:
            return False
    return True


class Pod:
    """A pod: namespace, the namespace's labels, its own."""

    def __init__(self, namespace: str, namespace_labels: dict[str, str], labels: dict[str, str]) -> None:
        self.namespace, self.namespace_labels, self.labels = namespace, namespace_labels, labels

    @property
    def cilium(self) -> dict[str, str]:
        """Its labels as Cilium's selectors see them."""
        return {**self.labels, "io.kubernetes.pod.namespace": self.namespace,
                **{f"io.cilium.k8s.namespace.labels.{key}": value for key, value in self.namespace_labels.items()}}


def connects(policies: list[Object], source: Pod, target: Pod, protocol: str, port: int) -> bool:
    """Whether a connection is let out and let in."""
    return (_passes(policies, source, target, "egress", "to", protocol, port)
            and _passes(policies, target, source, "ingress", "from", protocol, port))


def _passes(policies: list[Object], subject: Pod, peer: Pod, way: str, side: str, protocol: str, port: int) -> bool:
    isolated = False
    if any(_rule(policy, rule, subject, peer, side, protocol, port) for policy in policies if policy["kind"] != "NetworkPolicy"
           and _selects(policy, subject) for rule in policy["spec"].get(f"{way}Deny") or []):
        return False
    for policy in policies:
        if not _selects(policy, subject):
            continue
        isolated = isolated or _isolates(policy, way)
        if any(_rule(policy, rule, subject, peer, side, protocol, port) for rule in policy["spec"].get(way) or []):
            return True
    return not isolated


def _isolates(policy: Object, way: str) -> bool:
    spec = policy["spec"]
    if policy["kind"] != "NetworkPolicy":
        return bool(spec.get(way) or spec.get(f"{way}Deny")) and spec.get("enableDefaultDeny", {}).get(way, True)
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    return way.capitalize() in types


def _selects(policy: Object, pod: Pod) -> bool:
    namespace = policy["metadata"].get("namespace")
    if policy["kind"] == "NetworkPolicy":
        return namespace == pod.namespace and matches(policy["spec"]["podSelector"], pod.labels)
    return namespace in (None, pod.namespace) and matches(_plain(policy["spec"]["endpointSelector"]), pod.cilium)


def _rule(policy: Object, rule: Object, subject: Pod, peer: Pod, side: str, protocol: str, port: int) -> bool:
    if policy["kind"] == "NetworkPolicy":
        ports, peers = rule.get("ports") or [], rule.get(side) or []
        return ((not ports or any(_port(each, protocol, port) for each in ports))
                and (not peers or any(_peer(each, subject, peer) for each in peers)))
    ports = [each for group in rule.get("toPorts", []) for each in group["ports"]]
    if ports and not any(_port(each, protocol, port) for each in ports):
        return False
    forms = [form for form in (f"{side}Endpoints", f"{side}Entities", f"{side}CIDR") if form in rule]
    if not forms:
        return bool(ports)
    own = policy["metadata"].get("namespace")
    return any(_endpoint(selector, own, peer) for selector in rule.get(f"{side}Endpoints", [])) or any(
        entity in ("all", "cluster") for entity in rule.get(f"{side}Entities", []))


def _endpoint(selector: Object, own: str | None, peer: Pod) -> bool:
    plain = _plain(selector)
    keys = [*plain.get("matchLabels", {}), *(each["key"] for each in plain.get("matchExpressions", []))]
    anywhere = own is None or any(key.startswith(("io.kubernetes.pod.namespace", "io.cilium.k8s.namespace")) for key in keys)
    return (anywhere or peer.namespace == own) and matches(plain, peer.cilium)


def _plain(selector: Object) -> Object:
    return {"matchLabels": {key.removeprefix("k8s:"): value for key, value in selector.get("matchLabels", {}).items()},
            "matchExpressions": [{**each, "key": each["key"].removeprefix("k8s:")} for each in selector.get("matchExpressions", [])]}


def _peer(each: Object, subject: Pod, peer: Pod) -> bool:
    if "namespaceSelector" in each:
        return matches(each["namespaceSelector"], peer.namespace_labels) and matches(each.get("podSelector", {}), peer.labels)
    return subject.namespace == peer.namespace and matches(each["podSelector"], peer.labels)


def _port(each: Object, protocol: str, port: int) -> bool:
    if each.get("protocol", "TCP") not in (protocol, "ANY"):
        return False
    if "port" not in each:
        return True
    return int(each["port"]) <= port <= int(each.get("endPort", each["port"]))
