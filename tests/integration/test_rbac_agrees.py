"""The real API server as the judge of RBAC: for every group of every tenant, and on random roles, it and the graph say the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from gpuplane.catalog import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.access import may
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.planning import plan
from gpuplane.spec.loader import load_environment
from tests.integration.cluster import Cluster, wait_for
from tests.integration.rbac_sets import NAMESPACES, PREFIX, Asker, Request, asker, graph, own, random_set, requests

pytestmark = pytest.mark.integration

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "environments"
SETS = 24
KINDS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


class Judge:
    """SubjectAccessReview on the API server."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.reviews = client.AuthorizationV1Api(cluster.api)

    def allows(self, who: Asker, what: Request) -> bool:
        """Its verdict."""
        attributes = {"verb": what.verb, "group": what.group, "resource": what.resource, "subresource": what.subresource,
                      "namespace": what.namespace, "name": what.name}
        body = {"spec": {"user": who.user, "groups": list(who.groups), "resourceAttributes": attributes}}
        return bool(self.reviews.create_subject_access_review(body).status.allowed)

    def differences(self, found: PlannedGraph, who: Asker, asked: list[Request]) -> list[tuple[Request, bool, bool | None]]:
        """Requests on which it and the graph differ, with both verdicts."""
        both = ((each, self.allows(who, each), may(found, who.user, frozenset(who.groups), each.verb, each.group, each.resource,
                                                   subresource=each.subresource, namespace=each.namespace, name=each.name)) for each in asked)
        return [(each, theirs, ours) for each, theirs, ours in both if theirs is not ours]

    @contextmanager
    def made(self, objects: list[dict[str, Any]]) -> Iterator[None]:
        """The objects in the cluster, as long as they are needed."""
        there: list[dict[str, Any]] = []
        try:
            for each in objects:
                self.cluster.create(each)
                there.append(each)
            yield
        finally:
            self.cluster.delete(*reversed(there))


@pytest.fixture(scope="module")
def judge(cluster: Cluster) -> Iterator[Judge]:
    there = {each.metadata.name for each in cluster.core.list_namespace().items}
    spaces = {*NAMESPACES, *(f"{PREFIX}-{name}" for name in ("research", "search", "support", "gateway-system", "monitoring"))}
    for name in sorted(spaces - there):
        cluster.core.create_namespace({"metadata": {"name": name}})
    yield Judge(cluster)
    for name in sorted(spaces):
        cluster.core.delete_namespace(name)


def agree(judge: Judge, found: PlannedGraph, people: list[Asker], asked: list[Request]) -> None:
    """Both say the same of everybody; the API server may need a moment to see what was made (and to collect roles)."""
    for who in people:
        wait_for(lambda who=who: not judge.differences(found, who, asked[::7]), f"the API server sees the roles of {who}", 30)  # type: ignore[misc]
        assert judge.differences(found, who, asked) == []


@pytest.mark.parametrize("name", ["local", "dev", "staging", "prod"])
def test_every_group_of_every_tenant_may_do_what_the_graph_says(judge: Judge, name: str) -> None:
    spec = load_environment(ENVIRONMENTS, name)
    rendered = render(spec, plan(spec, catalog_of(spec), date(2026, 11, 21)))
    objects = own([dict(view.props) for view in rendered if view.is_kubernetes and view.kind in KINDS])
    spaces = {each["metadata"]["namespace"] for each in objects if "namespace" in each["metadata"]}
    groups = sorted({subject["name"] for each in objects for subject in each.get("subjects", []) if subject["kind"] == "Group"})
    found = graph(objects)

    with judge.made(objects):
        agree(judge, found, [asker("Group", group) for group in groups], list(requests(tuple(sorted(spaces)))))
        for group in groups:
            assert any(judge.allows(asker("Group", group), Request("list", "", "pods", "", space, "")) for space in spaces)


@pytest.mark.parametrize("seed", range(SETS))
def test_random_roles_give_what_the_graph_says(judge: Judge, seed: int) -> None:
    objects, people = random_set(seed)

    with judge.made(objects):
        agree(judge, graph(objects), people, list(requests(NAMESPACES))[seed % 3::3])
