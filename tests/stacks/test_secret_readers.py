"""Roles that read tenants' secrets: each for one service account of one cluster, for what begins with the tenant's prefix alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gpuplane.catalog import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.policies.registry import judge
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.loader import load_environment
from tests.components.aws_api import OPERATIONS

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/examples/06-created-cluster/environments"
DAY = date(2026, 11, 21)
ROLE = "aws-support-aws-secrets"
SECRETS = """\
  secrets:
    - name: registry
      store: aws-secrets
      data: {password: {key: support/registry}}
"""
KEY = "arn:aws:kms:eu-central-1:111122223333:key/8e2d1c0b-1111-2222-3333-444455556666"


def _folder(path: Path, secrets: str = SECRETS, change: Callable[[str], str] = str) -> Path:
    folder = Path(shutil.copytree(EXAMPLE, path / "environments"))
    tenant, environment = folder / "aws/tenants/support.yaml", folder / "aws/environment.yaml"
    tenant.write_text(tenant.read_text() + secrets)
    environment.write_text(change(environment.read_text()))
    return folder


def _views(folder: Path) -> list[ResourceView]:
    spec = load_environment(folder, "aws")
    return render(spec, plan(spec, catalog_of(spec), DAY))


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> list[ResourceView]:
    def keyed(text: str) -> str:
        return text.replace("          oidc_issuer:", f"          kms_key_arns: [{KEY}]\n          oidc_issuer:")

    return _views(_folder(tmp_path_factory.mktemp("readers"), change=keyed))


def _of(views: list[ResourceView], kind: str) -> ResourceView:
    found, = (view for view in views if view.kind == kind and view.name == ROLE)
    return found


def test_only_the_tenants_reader_takes_the_role(views: list[ResourceView]) -> None:
    statement, = json.loads(_of(views, "Role").props["assumeRolePolicy"])["Statement"]
    account, = (view for view in views if view.kind == "ServiceAccount" and view.name == "aws-secrets-reader")

    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    issuer = "oidc.eks.eu-central-1.amazonaws.com/id/8A2B4C6D8E0F1A2B3C4D5E6F7A8B9C0D"
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{issuer}"}
    assert statement["Condition"] == {"StringEquals": {
        f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": "system:serviceaccount:support:aws-secrets-reader"}}
    assert account.annotations["eks.amazonaws.com/role-arn"] == f"arn:aws:iam::111122223333:role/{ROLE}"


def test_the_role_reads_what_is_the_tenants_and_nothing_else(views: list[ResourceView]) -> None:
    read, decrypt = json.loads(_of(views, "RolePolicy").props["policy"])["Statement"]

    assert read["Resource"] == ["arn:aws:secretsmanager:eu-central-1:111122223333:secret:support/*"]
    assert read["Action"] == ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    assert (decrypt["Action"], decrypt["Resource"]) == (["kms:Decrypt"], [KEY])
    assert decrypt["Condition"] == {"StringEquals": {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com"}}


def test_aws_takes_every_argument(views: list[ResourceView]) -> None:
    assert [OPERATIONS[kind].judge(_of(views, kind)) for kind in ("Role", "RolePolicy")] == [[], []]


@pytest.mark.parametrize(("kind", "field", "old", "new"), [
    ("Role", "assumeRolePolicy", "system:serviceaccount:support:aws-secrets-reader", "system:serviceaccount:*"),
    ("RolePolicy", "policy", "secret:support/*", "*"),
])
def test_the_rules_see_a_role_that_opens_more(views: list[ResourceView], kind: str, field: str, old: str, new: str) -> None:
    def found(objects: list[ResourceView]) -> set[str]:
        return {finding.rule for finding in judge(PlannedGraph(objects), (), DAY).findings if finding.blocks}

    def changed(view: ResourceView) -> ResourceView:
        props: dict[str, Any] = {**view.props, field: view.props[field].replace(old, new)}
        return replace(view, props=props)

    mine = _of(views, kind)
    assert found([changed(view) if view is mine else view for view in views]) - found(views)


@pytest.mark.parametrize(("secrets", "change", "message"), [
    (SECRETS.replace("support/registry", "search/registry"), str, '"search/registry" does not begin with "support/"'),
    (SECRETS, lambda text: text.replace("id/8A2B", "id/xx"), "oidc_issuer"),
    (SECRETS, lambda text: text.replace("        reader_roles:", "        role_arn_template: arn:aws:iam::111122223333:role/{tenant}\n"
                                        "        reader_roles:"), "exactly one of role_arn_template, reader_roles is needed"),
    (SECRETS, lambda text: text.replace("          oidc_issuer:", "          prefix_template: '{tenant}'\n          oidc_issuer:"), "prefix_template"),
])
def test_what_no_role_could_read_is_refused(tmp_path: Path, secrets: str, change: Callable[[str], str], message: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        load_environment(_folder(tmp_path, secrets, change), "aws")

    assert message in str(refused.value)


def test_without_secrets_there_is_no_role(tmp_path: Path) -> None:
    assert not [view for view in _views(_folder(tmp_path, secrets="")) if view.type == "gpuplane:index:SecretReader"]
