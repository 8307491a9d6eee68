"""What only apply can know is refused by name, or given by somebody who has applied; a secret is never given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.handoff.delivery_parts import delivery_parts
from gpuplane.delivery.handoff.known_outputs import read_outputs, with_outputs
from gpuplane.delivery.handoff.rendered import NotRenderable, _require_complete
from gpuplane.delivery.redaction import REDACTED
from gpuplane.graph.resource_view import ResourceView, Unknown

ARN = "arn:aws:iam::111122223333:role/acme-reader"


def account(value: object) -> ResourceView:
    return ResourceView(urn="u", type="kubernetes:core/v1:ServiceAccount", api_version="v1", kind="ServiceAccount", namespace="acme", name="reader",
                        layer="tenants", props={"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
                            "name": "reader", "namespace": "acme", "annotations": {"role": value}}})


def release(value: object) -> ResourceView:
    return ResourceView(urn="r", type="kubernetes:helm.sh/v3:Release", kind="Release", name="kueue", layer="platform", props={"values": {"key": value}})


@pytest.mark.parametrize(("view", "said"), [
    (account(Unknown("role", "arn")), "ServiceAccount acme/reader: metadata.annotations.role is <known after apply: arn of role>"),
    (account(REDACTED), "ServiceAccount acme/reader: metadata.annotations.role is secret"),
    (release(Unknown("role", "arn")), "Release kueue: values.key is <known after apply: arn of role>"),
    (release(REDACTED), "Release kueue: values.key is secret"),
])
def test_what_is_not_known_or_secret_is_refused_by_name(view: ResourceView, said: str) -> None:
    with pytest.raises(NotRenderable, match="cannot be rendered") as refused:
        _require_complete(delivery_parts([view], ["acme"]))

    assert said in str(refused.value)
    assert refused.value.status == 1


def test_what_is_given_takes_the_place_of_what_was_unknown(tmp_path: Path) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps({"ServiceAccount acme/reader": {"metadata.annotations.role": ARN}}))

    view, = with_outputs([account(Unknown("role", "arn"))], read_outputs(file))

    assert view.annotations["role"] == ARN
    _require_complete(delivery_parts([view], ["acme"]))


def test_a_value_for_nothing_unknown_is_a_mistake() -> None:
    with pytest.raises(CannotStart, match='what is not unknown: "ServiceAccount acme/reader'):
        with_outputs([account(ARN)], {"ServiceAccount acme/reader": {"metadata.annotations.role": "other"}})


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', "no JSON", '{"ServiceAccount a/b": {"data": "ghp_' + "a1B2" * 9 + '"}}'])
def test_a_file_that_is_no_outputs_or_holds_a_secret_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "outputs.json").write_text(text)

    with pytest.raises(CannotStart):
        read_outputs(tmp_path / "outputs.json")


def test_resources_of_aws_are_listed_and_not_rendered() -> None:
    group = ResourceView(urn="urn::pool", type="aws:eks/nodeGroup:NodeGroup", kind="NodeGroup", name="l4", layer="cluster")
    component = ResourceView(urn="urn::c", type="gpuplane:index:Tenant", kind="Tenant", name="acme", custom=False)

    parts = delivery_parts([group, component, account(ARN)], ["acme"])

    assert [view.urn for view in parts.others] == ["urn::pool"]
    assert set(parts.objects) == {"platform", "tenants/acme"}
