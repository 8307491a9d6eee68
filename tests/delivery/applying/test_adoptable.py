"""What is there already and not in the state: Kubernetes is asked, and of AWS and Helm nothing is claimed that nobody looked at."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gpuplane.delivery.applying import adopt
from gpuplane.delivery.applying.adopt_command import _said
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.environment_spec import StackKey
from tests.delivery.applying.worlds import planned, world

STACK = "urn:pulumi:local-cluster::gpuplane::"


def view(type_token: str, name: str, props: dict[str, Any]) -> ResourceView:
    return ResourceView(urn=f"{STACK}{type_token}::{name}", type=type_token, name=name, props=props,
                        api_version="v1" if type_token.startswith("kubernetes:core") else "")


VIEWS = (
    view("pulumi:providers:aws", "aws", {}), view("pulumi:providers:kubernetes", "kubernetes", {}),
    view("aws:iam/role:Role", "nodes", {"name": "local-nodes"}), view("aws:ec2/vpc:Vpc", "network", {"cidrBlock": "10.0.0.0/16"}),
    view("kubernetes:helm.sh/v3:Release", "kueue", {"name": "kueue", "namespace": "kueue-system"}),
    view("kubernetes:core/v1:Namespace", "search", {"metadata": {"name": "search"}}),
    view("kubernetes:core/v1:Namespace", "chat", {"metadata": {"name": "chat"}}))


@pytest.mark.parametrize(("ids", "found", "unsure"), [
    ({}, ["search"], ["--id kueue=kueue-system/kueue", "--id network=…", "--id nodes=local-nodes"]),
    ({"network": "vpc-0a1b"}, ["network", "search"], ["--id kueue=kueue-system/kueue", "--id nodes=local-nodes"]),
    ({"network": "vpc-0a1b", "nodes": "local-nodes"}, ["network", "nodes", "search"], ["--id kueue=kueue-system/kueue"])])
def test_of_aws_only_what_is_named_is_there_and_the_rest_is_not_said_to_be_missing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ids: dict[str, str], found: list[str], unsure: list[str]) -> None:
    monkeypatch.setattr(adopt, "render_stack", lambda *_: VIEWS)
    monkeypatch.setattr(adopt.states, "resources_if_any", lambda *_: [])
    monkeypatch.setattr(adopt.live_objects, "read",
                        lambda _, props: SimpleNamespace() if props["metadata"]["name"] == "search" else None)
    spec = world(tmp_path)

    there = adopt.adoptable(spec, planned(spec), StackKey("platform"), {}, ids)

    assert sorted(each.name for each in there.found) == found
    assert there.missing == 1
    assert sorted(each[each.index("--id"):].rstrip(")") for each in there.unsure) == unsure
    assert all(option in _said(there) for option in unsure)
