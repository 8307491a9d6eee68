"""Random sets of network policies: what is open between namespaces is what a second reading finds pod by pod, port by port."""

from itertools import product
from random import Random
from typing import Any

import pytest

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.network import Net
from gpuplane.graph.resource_view import ResourceView
from tests.graph.reachability import network_interpreter as interpreter

SETS = 560
CHUNKS = 16
NAMES = ("acme", "beta", "gamma", "tools")
LABELS = {"app": ("a", "b"), "role": ("a",), "k8s:role": ("a",), "team": ("x", "y")}
"""Values that selectors name, by key; pods have these, one that nobody names, or none."""
PODS = tuple({key: value for key, value in (("app", app), ("role", role)) if value is not None}
             for app, role in product((None, "a", "b", "z"), (None, "a", "z")))


def namespaces(random: Random) -> dict[str, dict[str, str]]:
    """Labels of each namespace; the last one is the platform's."""
    return {name: {"kubernetes.io/metadata.name": name, **({"gpuplane.dev/tenant": name} if name != "tools" else {}),
                   **({"team": random.choice("xy")} if random.random() < 0.5 else {})} for name in NAMES}


def selector(random: Random, *keys: str) -> dict[str, Any]:
    """A LabelSelector of up to two demands; often one that demands nothing."""
    found: dict[str, Any] = {}
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        key = random.choice(keys)
        values = LABELS[key]
        if random.random() < 0.5:
            found.setdefault("matchLabels", {})[key] = random.choice(values)
        else:
            operator = random.choice(("In", "NotIn", "Exists", "DoesNotExist"))
            listed = {"values": random.sample(values, random.choice((1, len(values))))} if operator in ("In", "NotIn") else {}
            found.setdefault("matchExpressions", []).append({"key": key, "operator": operator, **listed})
    return found


def ports(random: Random) -> list[dict[str, Any]]:
    """Up to two ports, ranges among them."""
    found = []
    for _ in range(random.choice((0, 0, 1, 2))):
        number = random.choice((53, 80, 443, 8080))
        found.append(random.choice(({"port": number}, {"port": number, "protocol": "UDP"}, {"protocol": "TCP"},
                                    {"port": number, "endPort": number + random.choice((0, 400, 9000))})))
    return found


def peer(random: Random) -> dict[str, Any]:
    """A peer of a NetworkPolicy."""
    of_namespace = random.choice((selector(random, "team"), {"matchLabels": {"kubernetes.io/metadata.name": random.choice(NAMES)}}))
    of_pods = selector(random, "app", "role")
    return random.choice(({"namespaceSelector": of_namespace}, {"podSelector": of_pods}, {"namespaceSelector": of_namespace, "podSelector": of_pods}))


def network_policy(random: Random, name: str) -> dict[str, Any]:
    """A NetworkPolicy."""
    spec: dict[str, Any] = {"podSelector": selector(random, "app", "role")}
    if random.random() < 0.8:
        spec["policyTypes"] = random.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"], ["Ingress", "Egress"]))
    for way, side in (("ingress", "from"), ("egress", "to")):
        if random.random() < 0.6:
            spec[way] = [{key: value for key, value in ((side, [peer(random) for _ in range(random.choice((0, 1, 1, 2)))]), ("ports", ports(random)))
                          if value} for _ in range(random.choice((0, 1, 1, 2)))]
    # The API server takes rules of a direction that is not among the types, and ignores them.
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    spec = {key: value for key, value in spec.items() if key not in ("ingress", "egress") or key.capitalize() in types}
    return {"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1", "metadata": {"name": name, "namespace": random.choice(NAMES)}, "spec": spec}


def endpoints(random: Random) -> dict[str, Any]:
    """An endpoint selector, sometimes of another namespace."""
    found = selector(random, "app", "k8s:role")
    if random.random() < 0.5:
        key, value = random.choice((("k8s:io.kubernetes.pod.namespace", random.choice(NAMES)), ("k8s:io.cilium.k8s.namespace.labels.team", "x")))
        found.setdefault("matchLabels", {})[key] = value
    return found


def cilium_policy(random: Random, name: str) -> dict[str, Any]:
    """A CiliumNetworkPolicy, or a CiliumClusterwideNetworkPolicy."""
    everywhere = random.random() < 0.3
    spec: dict[str, Any] = {"endpointSelector": endpoints(random) if everywhere else selector(random, "app", "role")}
    for way, side in (("ingress", "from"), ("egress", "to")):
        rules = []
        for _ in range(random.choice((0, 1, 1, 2))):
            listed = [{"port": str(each["port"]), "protocol": random.choice(("TCP", "UDP", "ANY"))} for each in ports(random) if "port" in each]
            rule = random.choice(({f"{side}Endpoints": [endpoints(random)]}, {f"{side}Entities": [random.choice(("cluster", "all", "world"))]},
                                  {f"{side}CIDR": ["10.0.0.0/8"]}, {}))
            rules.append({**rule, **({"toPorts": [{"ports": listed}]} if listed else {})})
        if random.random() < 0.7:
            spec[way] = rules
        if random.random() < 0.4:
            spec[f"{way}Deny"] = [_denial(random, side) for _ in range(random.choice((0, 1, 1, 2)))]
        if (way in spec or f"{way}Deny" in spec) and random.random() < 0.15:
            spec["enableDefaultDeny"] = {**spec.get("enableDefaultDeny", {}), way: False}
    metadata = {"name": name} if everywhere else {"name": name, "namespace": random.choice(NAMES)}
    return {"kind": "CiliumClusterwideNetworkPolicy" if everywhere else "CiliumNetworkPolicy", "apiVersion": "cilium.io/v2",
            "metadata": metadata, "spec": spec}


def _denial(random: Random, side: str) -> dict[str, Any]:
    """A rule of ``ingressDeny`` or ``egressDeny``."""
    listed = [{"port": str(each["port"]), "protocol": random.choice(("TCP", "ANY"))} for each in ports(random) if "port" in each]
    rule = random.choice(({f"{side}Endpoints": [endpoints(random)]}, {f"{side}Endpoints": [{}]}, {f"{side}Entities": [random.choice(("cluster", "world"))]},
                          {f"{side}CIDR": ["10.0.0.0/8"]}, {}))
    return {**rule, **({"toPorts": [{"ports": listed}]} if listed else {})}


def random_set(number: int) -> tuple[dict[str, dict[str, str]], list[dict[str, Any]]]:
    """Namespaces and policies of one set; every third has Cilium's policies too."""
    random = Random(number)
    policies = [network_policy(random, f"p{index}") for index in range(random.choice((0, 1, 2, 3, 4, 6, 8)))]
    if number % 3 == 0:
        policies += [cilium_policy(random, f"c{index}") for index in range(random.choice((1, 2, 3)))]
    return namespaces(random), policies


def graph(labels: dict[str, dict[str, str]], policies: list[dict[str, Any]]) -> PlannedGraph:
    """The same as planned objects."""
    objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": each}} for name, each in labels.items()]
    return PlannedGraph(ResourceView(
        urn=f"{each['kind']}/{each['metadata'].get('namespace', '')}/{each['metadata']['name']}", api_version=each["apiVersion"], kind=each["kind"],
        name=each["metadata"]["name"], namespace=each["metadata"].get("namespace", ""), props=each) for each in [*objects, *policies])


def by_pods(labels: dict[str, dict[str, str]], policies: list[dict[str, Any]]) -> dict[tuple[str, str], set[tuple[str, int]]]:
    """Ports that are open from any pod of one namespace to any of another, as the second reading finds them."""
    pods = {name: [interpreter.Pod(name, each, own) for own in PODS] for name, each in labels.items()}
    found: dict[tuple[str, str], set[tuple[str, int]]] = {}
    for source, target in product(NAMES, NAMES):
        if source != target:
            for protocol, port in interpreter.PORTS:
                if any(interpreter.connects(policies, one, other, protocol, port) for one in pods[source] for other in pods[target]):
                    found.setdefault((source, target), set()).add((protocol, port))
    return found


def by_graph(found: PlannedGraph) -> dict[tuple[str, str], set[tuple[str, int]]]:
    """The same by gpuplane."""
    paths = Net(found).paths()
    assert all(path.certain for path in paths.values())
    return {ends: {(protocol, port) for protocol, port in interpreter.PORTS
                   if any(each.protocol == protocol and each.low <= port <= each.high for each in path.ports)} for ends, path in paths.items()}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_both_readings_agree(chunk: int) -> None:
    for number in range(chunk, SETS, CHUNKS):
        labels, policies = random_set(number)
        expected = by_pods(labels, policies)
        assert {ends: ports for ends, ports in by_graph(graph(labels, policies)).items() if ports} == expected, (number, policies)


def test_the_sets_are_neither_all_open_nor_all_closed() -> None:
    pairs = [len(by_graph(graph(*random_set(number)))) for number in range(200)]

    assert sum(count == 0 for count in pairs) < 60
    assert sum(count == 12 for count in pairs) < 80
    assert sum(0 < count < 12 for count in pairs) > 60
