"""What a tenant says of who may reach it, from its file to the objects and the matrix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gpuplane.delivery.offline_engine import render
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import matrix
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.errors import InvalidSpec
from tests.planning.wish import Wish, valid

DECLARED = {"tenant": "beta", "by": ["kubernetes-api"], "reason": "beta looks after the shared models"}


def wish(**acme: Any) -> Wish:
    """Two tenants that name the same group as their viewers, maybe with more said of the first."""
    made = valid()
    made.documents["tenants/acme"]["spec"] |= {"access": {"groups": {"oncall": "viewer"}}, **acme}
    return made.tenant("beta", {}, access={"groups": {"beta-ml": "viewer"}})


def views(made: Wish) -> tuple[ResourceView, ...]:
    """Everything that would be applied."""
    return render(made.spec(), made.plan())


def namespace(found: tuple[ResourceView, ...], name: str) -> ResourceView:
    """A tenant's namespace."""
    return next(view for view in found if view.kind == "Namespace" and view.name == name)


def test_a_declaration_and_the_tenants_groups_stand_on_its_namespace() -> None:
    found = views(wish(reachable_from=[DECLARED]))

    assert json.loads(str(namespace(found, "acme").annotations["gpuplane.dev/reachable-from"])) == [DECLARED]
    assert json.loads(str(namespace(found, "acme").annotations["gpuplane.dev/groups"])) == ["oncall"]
    assert "gpuplane.dev/reachable-from" not in namespace(found, "beta").annotations


def test_a_group_that_two_tenants_name_is_theirs_by_their_own_word() -> None:
    found = views(wish().put("tenants/beta spec.access.groups", {"oncall": "viewer"}))
    between = matrix(PlannedGraph(found)).between_tenants

    assert {(edge.source.name, edge.target.name, edge.allowed) for edge in between} == {
        ("acme", "beta", "both tenants name the group as their own"), ("beta", "acme", "both tenants name the group as their own")}


@pytest.mark.parametrize(("declared", "path", "message"), [
    ({**DECLARED, "tenant": "acme"}, "spec.reachable_from[0].tenant", "this is the tenant itself."),
    ({**DECLARED, "tenant": "ghost"}, "spec.reachable_from[0].tenant", 'there is no tenant "ghost"; there are: acme, beta.'),
    ({**DECLARED, "by": []}, "spec.reachable_from[0].by", ""),
    ({**DECLARED, "by": ["telepathy"]}, "spec.reachable_from[0].by[0]", ""),
    ({**DECLARED, "reason": "because"}, "spec.reachable_from[0].reason", ""),
])
def test_a_declaration_that_cannot_be_meant_is_refused(declared: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        wish(reachable_from=[declared]).spec()

    error, = caught.value.errors
    assert (error.path, message in error.message) == (path, True)
