"""What holds for every matrix: order is nothing, names are only names, and whoever opens more never closes anything."""

import random
from dataclasses import replace
from typing import Any

import pytest
import yaml

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import Edge, Matrix, matrix
from gpuplane.graph.reachability.addresses import METADATA, holds, pods_inside
from gpuplane.graph.reachability.labels import Atom, Demand, demand, fits, possible
from gpuplane.graph.reachability.network import Net
from gpuplane.graph.reachability.openings import block
from gpuplane.graph.resource_view import ResourceView, Unknown
from tests.graph.reachability.planned import planned
from tests.graph.reachability.test_mutations import ADDED
from tests.graph.reachability.test_network_agrees import graph, network_policy, random_set

PAIR = """
apiVersion: v1
kind: Namespace
metadata: {name: acme, labels: {gpuplane.dev/tenant: acme}}
---
apiVersion: v1
kind: Namespace
metadata: {name: beta, labels: {gpuplane.dev/tenant: beta}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: acme}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: beta}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out, namespace: acme}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress: [{to: [{namespaceSelector: {}, podSelector: {matchExpressions: [{key: app, operator: In, values: [db, web]}]}}],
            ports: [{port: 5432}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: in, namespace: beta}
spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: tools}}}]}]}
"""


def network(views: tuple[ResourceView, ...]) -> set[tuple[str, str]]:
    """Pairs of tenants' namespaces that are open."""
    return {(source, target) for source, target in Net(PlannedGraph(views)).paths() if {source, target} <= {"acme", "beta"}}


def pair(change: Any = None, without: str = "", name: str = "") -> tuple[ResourceView, ...]:
    """Two tenants that are closed to each other, though one half of a way is open; maybe with one object changed or left out."""
    documents = [each for each in yaml.safe_load_all(PAIR) if f"{each['metadata'].get('namespace')}/{each['metadata']['name']}" != without]
    for each in documents:
        if change is not None and f"{each['metadata'].get('namespace')}/{each['metadata']['name']}" == name:
            change(each)
    return views_of_text(yaml.safe_dump_all(documents))


def let_in(document: dict[str, Any]) -> None:
    """The peer that is let in becomes everybody."""
    document["spec"]["ingress"][0]["from"][0]["namespaceSelector"] = {}


def other_ports(document: dict[str, Any]) -> None:
    """Everybody, but on a port that the other end does not open."""
    let_in(document)
    document["spec"]["ingress"][0]["ports"] = [{"port": 8080}]


def other_pods(document: dict[str, Any]) -> None:
    """Everybody, but to pods that the other end does not open to."""
    let_in(document)
    document["spec"]["podSelector"] = {"matchLabels": {"app": "api"}}


@pytest.mark.parametrize(("views", "expected"), [
    (pair(), set()),
    (pair(without="beta/closed"), {("acme", "beta")}),
    (pair(without="acme/closed"), set()),
    (pair(let_in, name="beta/in"), {("acme", "beta")}),
    (pair(other_ports, name="beta/in"), set()),
    (pair(other_pods, name="beta/in"), set()),
], ids=["closed", "the far end's policy deleted", "the near end's policy deleted", "peer widened", "other ports", "other pods"])
def test_a_way_needs_both_ends(views: tuple[ResourceView, ...], expected: set[tuple[str, str]]) -> None:
    assert network(views) == expected


def test_a_deleted_policy_is_named_by_the_namespace_that_it_left_open() -> None:
    edge, = (each for each in matrix(PlannedGraph(pair(without="beta/closed"))).refused if each.between_tenants)

    assert [str(each) for each in edge.objects] == ["NetworkPolicy acme/out", "Namespace beta"]
    assert edge.sentence == "pods of namespace acme connect to pods of namespace beta on TCP 5432"


def test_a_peer_that_only_apply_knows_cannot_be_excluded() -> None:
    views = list(pair())
    place = next(index for index, view in enumerate(views) if str(view) == "NetworkPolicy beta/in")
    props = yaml.safe_load(yaml.safe_dump(dict(views[place].props)))
    props["spec"]["ingress"][0]["from"][0]["namespaceSelector"] = {"matchLabels": {"team": Unknown("urn:x", "team")}}
    views[place] = replace(views[place], props=props)

    edge, = (each for each in matrix(PlannedGraph(views)).refused if each.between_tenants)
    assert (edge.source.name, edge.target.name, edge.certain) == ("acme", "beta", False)


def test_addresses_of_a_block_may_be_pods_unless_they_cannot_be() -> None:
    assert pods_inside(block({"cidr": "0.0.0.0/0"})) is True
    assert pods_inside(block({"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]})) is None
    assert pods_inside(block({"cidr": "10.20.0.0/16"})) is None
    assert pods_inside(block({"cidr": "169.254.170.23/32"})) is False
    assert pods_inside(block({"cidr": "52.219.72.0/22"})) is False
    assert holds(block({"cidr": "169.254.0.0/16"}), METADATA)
    assert not holds(block({"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}), METADATA)
    assert holds(block({"cidr": Unknown("urn:x", "cidr")}), METADATA)


def everything(found: Matrix) -> list[Edge]:
    """Edges without the URNs, which hold file names."""
    return [replace(edge, objects=tuple(replace(each, urn="") for each in edge.objects)) for edge in found.edges]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_objects_changes_nothing(seed: int) -> None:
    texts = [text for _, text in ADDED.values()][seed::3]
    views = [*planned(), *(view for number, text in enumerate(texts) for view in views_of_text(text, f"more-{number}.yaml"))]
    shuffled = random.Random(seed).sample(views, len(views))

    assert matrix(PlannedGraph(shuffled)) == matrix(PlannedGraph(views))


def test_a_renamed_tenant_renames_edges() -> None:
    texts = [PAIR, *(text.replace("research", "acme").replace("support", "beta") for _, text in ADDED.values())]
    whole = "\n---\n".join(texts)
    before, after = (everything(matrix(PlannedGraph(views_of_text(text)))) for text in (whole, whole.replace("acme", "zeta")))

    renamed = {repr(edge).replace("acme", "zeta") for edge in before}
    assert len(renamed) > 20
    assert {repr(replace(edge, objects=())) for edge in after} == {
        repr(replace(edge, objects=())).replace("acme", "zeta") for edge in before}


@pytest.mark.parametrize("number", range(40))
def test_a_policy_that_opens_more_never_closes_a_way(number: int) -> None:
    """Of pods that some policy closes already: the first policy that selects a pod does close it."""
    labels, policies = random_set(3 * number + 1)
    closed = [{"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1", "metadata": {"name": "closed", "namespace": name},
               "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}} for name in labels]
    before = Net(graph(labels, [*policies, *closed])).paths()
    after = Net(graph(labels, [*policies, *closed, network_policy(random.Random(-number - 1), "more")])).paths()

    assert before.keys() <= after.keys()
    assert all(set(after[ends].ports) >= set(path.ports) or len(after[ends].ports) > 0 for ends, path in before.items())


@pytest.mark.parametrize(("met", "unmet", "expected"), [
    ([], [], True), ([{}], [{}], False), ([{"matchLabels": {"a": "x"}}], [{"matchLabels": {"a": "y"}}], True),
    ([{"matchLabels": {"a": "x"}}], [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}], False),
    ([{"matchLabels": {"a": "x"}}, {"matchLabels": {"a": "y"}}], [], False),
    ([{"matchExpressions": [{"key": "a", "operator": "In", "values": ["x", "y"]}]}], [{"matchLabels": {"a": "x"}}], True),
    ([{"matchExpressions": [{"key": "a", "operator": "In", "values": ["x"]}]}], [{"matchLabels": {"a": "x", "b": "y"}}], True),
    ([{"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["x"]}]}, {"matchLabels": {"a": "x"}}], [], False),
    ([{"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}], [{"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["x"]}]}],
     False),
    ([None], [], False),
], ids=str)
def test_labels_that_meet_some_selectors_and_not_others(met: list[Any], unmet: list[Any], expected: bool) -> None:
    assert possible(frozenset(map(demand, met)), frozenset(map(demand, unmet))) is expected


def test_an_unknown_value_neither_meets_nor_misses() -> None:
    wanted = demand({"matchLabels": {"a": "x"}})

    assert fits(wanted, {"a": Unknown("urn:x", "a")}) is None
    assert fits(wanted, {}, whole=False) is None
    assert fits(demand(Unknown("urn:x", "selector")), {"a": "x"}) is None
    assert demand({"matchLabels": {"a": Unknown("urn:x", "a"), "b": "y"}}) == Demand(
        frozenset({Atom("b", "In", frozenset({"y"}))}), unknown=True)
