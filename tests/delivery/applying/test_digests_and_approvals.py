"""What an approval is of, and what it is worth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.delivery.applying.actor import actor
from gpuplane.delivery.applying.approval import approval_text, read_approvals
from gpuplane.delivery.applying.break_glass import require_allowed, still_blocking
from gpuplane.delivery.applying.digest import StackDigest, stack_digests
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.object_digest import digest_over, object_digests
from gpuplane.delivery.preview import preview
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.spec.environment_spec import StackKey
from tests.delivery.applying.worlds import AS_OF, digests, planned, world

TENANT_STACKS = "  tenant_stacks: true\n"
APPROVERS = TENANT_STACKS + "  applying:\n    approval: {approvers: [ada]}\n    break_glass: {allowed: [grace]}\n"
QUOTA = {"tenants/research.yaml": ("borrowing_limit: ", "borrowing_limit: 1")}


def test_a_change_of_one_tenant_keeps_the_approvals_of_all_others(tmp_path: Path) -> None:
    before = digests(world(tmp_path, TENANT_STACKS))
    after = digests(world(tmp_path, TENANT_STACKS, {"services/research/resnet50.yaml": ("max_replicas: ", "max_replicas: 1")}))

    assert {name for name in before if before[name].digest != after[name].digest} == {"local-tenants-research"}


def test_what_the_gate_has_rendered_is_what_each_stack_by_itself_would_hold(tmp_path: Path) -> None:
    spec = world(tmp_path, TENANT_STACKS)
    assert preview(spec, AS_OF).stacks == stack_digests(spec, planned(spec))


def test_comments_the_date_and_the_name_of_the_stack_are_no_part_of_it(tmp_path: Path) -> None:
    before = digests(world(tmp_path))
    renamed = world(tmp_path, "  stacks: {tenants: elsewhere}\n", {"tenants/research.yaml": ("metadata:", "# moved down by a line\nmetadata:")})
    after = digests(renamed, date(2026, 6, 1))

    assert before["local-tenants"].digest == after["elsewhere"].digest
    assert before["local-platform"].digest == after["local-platform"].digest


def digest_of(views: Iterable[ResourceView]) -> str:
    return digest_over(object_digests(views))


def _view(name: str, props: dict[str, Any], protect: bool = False, stack: str = "s") -> ResourceView:
    return ResourceView(urn=f"urn:pulumi:{stack}::gpuplane::kubernetes:core/v1:ConfigMap::{name}", type="kubernetes:core/v1:ConfigMap",
                        props=props, protect=protect)


@given(st.permutations([_view("a", {"data": {"x": "1"}}), _view("b", {"data": {}}), _view("c", {"y": [1, 2]})]))
def test_the_order_of_registration_is_no_part_of_it(views: list[ResourceView]) -> None:
    assert digest_of(views) == digest_of(sorted(views, key=lambda view: view.urn))


@pytest.mark.parametrize("other", [
    _view("a", {"data": {"x": "2"}}), _view("a", {"data": {"x": 1}}), _view("b", {"data": {"x": "1"}}), _view("a", {"data": {"x": "1"}}, protect=True),
    _view("a", {"data": {"x": ["1"]}}), _view("a", {"data": {"x": "1", "y": None}})])
def test_whatever_is_applied_is_part_of_it(other: ResourceView) -> None:
    assert digest_of([_view("a", {"data": {"x": "1"}})]) != digest_of([other])


def test_where_the_wish_stands_and_the_stack_of_an_unknown_are_no_part_of_it() -> None:
    one = _view("a", {"metadata": {"annotations": {"gpuplane.dev/source": "a.yaml"}}, "arn": Unknown("urn:pulumi:s::p::t::n", "arn")})
    two = _view("a", {"metadata": {}, "arn": Unknown("urn:pulumi:other::p::t::n", "arn")}, stack="other")

    assert digest_of([one]) == digest_of([two])
    assert digest_of([replace(one, custom=False)]) == digest_of([])


DIGEST = StackDigest("local-tenants-search", StackKey("tenants", "search"), "sha256:" + "a" * 64, 3)


def _file(folder: Path, by: str = "ada", **changed: Any) -> Path:
    value = json.loads(approval_text("local", [DIGEST], by, "why", "2026-01-01T00:00:00Z")) | changed
    path = folder / "approval.json"
    path.write_text(json.dumps(value))
    return path


def test_what_is_approved_is_what_is_applied(tmp_path: Path) -> None:
    approval = read_approvals(world(tmp_path, APPROVERS), [_file(tmp_path)])

    assert approval.held(DIGEST) == ""
    assert "it has changed since it was approved" in approval.held(replace(DIGEST, digest="sha256:" + "b" * 64))
    assert "not approved" in approval.held(replace(DIGEST, name="local-platform"))


@pytest.mark.parametrize(("by", "changed", "message"), [
    ("mallory", {}, "mallory may not approve"),
    ("ada", {"environment": "prod"}, "it approves environment 'prod'"),
    ("ada", {"kind": "note"}, "kind 'note'"),
    ("ada", {"schema_version": 2}, "schema_version 2"),
    ("ada", {"stacks": [{"stack": "x", "digest": "sha256:1"}]}, "not as gpuplane writes it"),
    ("ada", {"lift": None}, "not as gpuplane writes it"),
])
def test_an_approval_that_is_none_is_refused(tmp_path: Path, by: str, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotStart, match=message):
        read_approvals(world(tmp_path, APPROVERS), [_file(tmp_path, by, **changed)])


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "[" * 100_000])
def test_a_file_that_is_no_approval_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "approval.json"
    path.write_text(text)

    with pytest.raises(CannotStart, match="is no approval"):
        read_approvals(world(tmp_path), [path])


def test_in_ci_only_the_words_of_ci_say_who_it_is() -> None:
    assert actor({"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "mallory", "GPUPLANE_ACTOR": "ada"}) == "mallory"
    assert actor({"GPUPLANE_ACTOR": "ada"}) == "ada"


@pytest.mark.parametrize(("who", "reason", "message"), [
    ("mallory", "the search is down for everybody", "mallory may not break the glass; allowed: grace"),
    ("grace", "urgent", "say why"),
])
def test_the_glass_is_broken_by_few_and_with_a_reason(tmp_path: Path, who: str, reason: str, message: str) -> None:
    with pytest.raises(CannotStart, match=message):
        require_allowed(world(tmp_path, APPROVERS), who, reason)
    require_allowed(world(tmp_path, APPROVERS), "grace", "the search is down for everybody")
    with pytest.raises(CannotStart, match="allows nobody"):
        require_allowed(world(tmp_path), "grace", "the search is down for everybody")


@pytest.mark.parametrize(("rule", "blocks"), [("CB-04", False), ("TI-01", True), ("PII-06", True), ("QF-04", True), ("WI-01", True), ("SC-05", True), ("CH-01", True)])
def test_broken_glass_waives_money_and_no_other_rule(rule: str, blocks: bool) -> None:
    finding = Finding(rule=rule, severity="critical", verdict=Verdict.FAIL, message="m", remedy="r", tenant="", file="", line=0, kind="", field="")

    assert bool(still_blocking([finding])) is blocks


def test_it_is_of_one_text_of_sorted_json(tmp_path: Path) -> None:
    spec = world(tmp_path)
    views = (*preview(spec, AS_OF).resources, _view("strange", {"ü": [1, 2.5, None, True, ("a", "b")], "at": Unknown("urn:x::tail", "id"),
                                                               "metadata": MappingProxyType({"annotations": {"gpuplane.dev/source": "x"}})}))

    def written(value: Any) -> Any:
        if isinstance(value, Unknown):
            return f"<known after apply: {value.property} of {value.urn.partition('::')[2]}>"
        if isinstance(value, Mapping):
            return {key: written(item) for key, item in value.items()}
        return [written(item) for item in value] if isinstance(value, (list, tuple)) else value

    lines = []
    for view in sorted((view for view in views if view.custom), key=lambda view: view.urn.partition("::")[2]):
        props = written(view.props)
        if "annotations" in props.get("metadata", {}):
            left = {key: value for key, value in props["metadata"].pop("annotations").items() if key != "gpuplane.dev/source"}
            props["metadata"] |= {"annotations": left} if left else {}
        row = {"urn": view.urn.partition("::")[2], "type": view.type, "protect": view.protect, "props": props}
        lines.append(sha256(json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest())
    assert digest_of(views) == f"sha256:{sha256(chr(10).join(['gpuplane-stack-v2', *lines]).encode()).hexdigest()}"
    assert digest_of(()) == "sha256:" + sha256(b"gpuplane-stack-v2").hexdigest()
