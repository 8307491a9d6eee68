"""One stack for each tenant: together they hold exactly what the one stack held, and share nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpuplane.delivery.changes import is_real
from gpuplane.delivery.offline_engine import render, render_stack
from gpuplane.spec.environment_spec import StackKey
from gpuplane.spec.errors import InvalidSpec
from tests.delivery.applying.worlds import planned, world

TENANT_STACKS = "  tenant_stacks: true\n"


def test_the_offline_preview_is_the_same_either_way(tmp_path: Path) -> None:
    one, many = world(tmp_path / "one"), world(tmp_path / "many", TENANT_STACKS)

    assert render(one, planned(one)) == render(many, planned(many))


def test_no_object_is_in_two_stacks_and_none_is_left_out(tmp_path: Path) -> None:
    spec = world(tmp_path, TENANT_STACKS)
    stacks = [{(view.kind, view.namespace, view.name) for view in render_stack(spec, planned(spec), key) if is_real(view)}
              for key in spec.stacks_of("tenants")]
    together = {(view.kind, view.namespace, view.name) for view in render(spec, planned(spec)) if view.layer == "tenants" and is_real(view)}

    assert len(stacks) == len(spec.tenants) == 3
    assert set.union(*stacks) == together
    assert sum(map(len, stacks)) == len(together)


def test_a_tenants_stack_is_named_after_it_and_urns_say_so(tmp_path: Path) -> None:
    spec = world(tmp_path, TENANT_STACKS)

    assert [spec.stack_name(key.layer, key.tenant) for key in spec.stacks_of("tenants")] == [
        "local-tenants-research", "local-tenants-search", "local-tenants-support"]
    assert spec.stacks_of("platform") == (StackKey("platform"),)
    assert all(view.urn.startswith("urn:pulumi:local-tenants-search::") for view in
               render_stack(spec, planned(spec), StackKey("tenants", "search")))


@pytest.mark.parametrize(("more", "message"), [
    ("  applying: {waves: [[research]]}\n", "waves are of tenants' stacks"),
    (TENANT_STACKS + "  applying: {waves: [[research], [search, research]]}\n", "a tenant is in one wave; research twice"),
    (TENANT_STACKS + "  applying: {approval: {approvers: []}}\n", "approvers"),
    (TENANT_STACKS + "  applying: {waves: [[resaerch]]}\n", 'there is no tenant "resaerch"; there are: research, search, support'),
])
def test_waves_and_approvals_that_make_no_sense_are_refused(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        world(tmp_path, more)
