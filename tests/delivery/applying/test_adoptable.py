"""What is there already and not in the state: the cluster is asked, AWS where it is wished, and nothing is claimed that nobody looked at."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gpuplane.delivery.applying import adopt, helm_releases
from gpuplane.delivery.applying.adopt_command import _said
from gpuplane.delivery.applying.import_file import import_json
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey
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


def _cluster(folder: Path, monkeypatch: pytest.MonkeyPatch, release: bool | None) -> EnvironmentSpec:
    """A cluster that has the namespace search, and a release if any can be seen."""
    monkeypatch.setattr(adopt, "render_stack", lambda *_: VIEWS)
    monkeypatch.setattr(adopt.states, "resources_if_any", lambda *_: [])
    monkeypatch.setattr(adopt.live_objects, "read",
                        lambda _, props: SimpleNamespace() if props["metadata"]["name"] == "search" else None)
    monkeypatch.setattr(adopt.helm_releases, "is_there", lambda *_: release)
    return world(folder)


@pytest.mark.parametrize(("release", "role", "found", "absent"), [
    (True, True, ["kueue", "nodes", "search"], []), (True, False, ["kueue", "search"], ["local-nodes"]),
    (False, True, ["nodes", "search"], ["kueue-system/kueue"]), (False, False, ["search"], ["kueue-system/kueue", "local-nodes"])])
def test_what_was_looked_for_is_taken_in_or_said_not_to_be_there(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: bool, role: bool, found: list[str], absent: list[str]) -> None:
    spec = _cluster(tmp_path, monkeypatch, release)

    def look(type_token: str, _: Any) -> bool | None:
        return role if type_token.endswith(":Role") else None

    there = adopt.adoptable(spec, planned(spec), StackKey("platform"), {}, {}, look)

    assert sorted(each.name for each in there.found) == found
    assert sorted(each.rpartition(" ")[2] for each in there.absent) == absent
    assert [each[each.index("--id"):] for each in there.unsure] == ["--id network=…)"], "nobody knows a VPC by its name"
    assert f"{len(found)} are there already, {1 + len(absent)} are not" in _said(there)
    assert all(f"not there: {each}" in _said(there) for each in there.absent)
    in_file = json.loads(import_json(there.found))["resources"]
    assert sorted(each["logicalName"] for each in in_file) == found


@pytest.mark.parametrize(("secrets", "there"), [
    ([], False), ([("note", 1, "deployed")], True), ([("note", 1, "superseded"), ("note", 10, "deployed"), ("note", 9, "superseded")], True),
    ([("note", 2, "deployed"), ("note", 10, "uninstalled")], False), ([("note", 3, "failed")], True), ([("note.v1", 1, "deployed")], False)])
def test_a_release_is_there_by_its_newest_revision(secrets: list[tuple[str, int, str]], there: bool) -> None:
    found = [{"metadata": {"name": f"sh.helm.release.v1.{name}.v{revision}", "labels": {"status": status}}} for name, revision, status in secrets]

    assert helm_releases.installed(found, "note") == there


@pytest.mark.parametrize(("ids", "found", "unsure"), [
    ({}, ["search"], ["--id kueue=kueue-system/kueue", "--id network=…", "--id nodes=local-nodes"]),
    ({"kueue": "other/kueue"}, ["kueue", "search"], ["--id network=…", "--id nodes=local-nodes"]),
    ({"network": "vpc-0a1b"}, ["network", "search"], ["--id kueue=kueue-system/kueue", "--id nodes=local-nodes"]),
    ({"network": "vpc-0a1b", "nodes": "local-nodes"}, ["network", "nodes", "search"], ["--id kueue=kueue-system/kueue"])])
def test_of_aws_only_what_is_named_is_there_and_the_rest_is_not_said_to_be_missing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ids: dict[str, str], found: list[str], unsure: list[str]) -> None:
    spec = _cluster(tmp_path, monkeypatch, release=None)

    there = adopt.adoptable(spec, planned(spec), StackKey("platform"), {}, ids)

    assert sorted(each.name for each in there.found) == found
    assert there.missing == 1
    assert sorted(each[each.index("--id"):].rstrip(")") for each in there.unsure) == unsure
    assert all(option in _said(there) for option in unsure)
