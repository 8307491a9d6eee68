"""Looks into AWS: each is one reading call as the service models have it, and says there, not there, or nobody can tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gpuplane.delivery.applying.adopt_command import adopt
from gpuplane.delivery.applying.aws_cli import AwsRefused
from gpuplane.delivery.applying.aws_look import LOOKS, Look, looker
from gpuplane.delivery.applying.import_ids import AWS, import_id
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.spec.loader import load_environment
from tests.components.aws_api import operation_model, problems
from tests.delivery.applying.worlds import world

ROOT = Path(__file__).resolve().parents[3]
SPEC = load_environment(ROOT / "environments", "prod")
SHAPED = {"principalArn": "arn:aws:iam::111122223333:role/nodes", "name": "alias/prod", "bucket": "acme-models"}


class OneAnswer:
    """An AWS in which all is there, or refuses with one code; every call is judged by botocore, and counted."""

    def __init__(self, code: str = "", account: str = "", answer: Mapping[str, Any] | None = None) -> None:
        self.code, self.calls, self.answer = code, list[tuple[str, str]](), answer
        assert SPEC.environment.spec.aws is not None
        self.account = account or SPEC.environment.spec.aws.account_id

    def call(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        shape = operation_model(service, operation).input_shape
        assert problems(shape, arguments) == [], (operation, arguments)
        if service == "sts":
            return {"Account": self.account}
        self.calls.append((service, operation))
        if self.code:
            raise AwsRefused(self.code, f"aws {service} {operation}: An error occurred ({self.code})")
        return self.answer if self.answer is not None else dict.fromkeys(operation_model(service, operation).output_shape.members, "it")


def _inputs(look: Look) -> dict[str, str]:
    return {key: SHAPED.get(key, "prod-1") for key in look.arguments.values()}


def test_what_is_known_by_name_is_looked_for_and_nothing_else() -> None:
    assert LOOKS.keys() == AWS.keys()


@pytest.mark.parametrize("token", sorted(LOOKS))
def test_a_look_reads_and_the_model_knows_its_arguments_and_errors(token: str) -> None:
    look, aws = LOOKS[token], OneAnswer()
    model = operation_model(look.service, look.operation)
    known = {(shape.metadata.get("error") or {}).get("code") or shape.name for shape in model.error_shapes}

    assert looker(SPEC, aws)(token, _inputs(look)) is True
    assert aws.calls == [(look.service, look.operation)]
    assert import_id(token, _inputs(look)) is not None
    assert look.operation.startswith(("get-", "describe-", "head-"))
    assert look.service == "s3api" or look.missing <= known, "S3's model names few of its errors"
    assert not look.member or look.member in model.output_shape.members


@pytest.mark.parametrize("token", sorted(LOOKS))
def test_what_is_not_there_is_said_and_what_may_not_be_seen_is_not(token: str) -> None:
    look = LOOKS[token]

    assert {looker(SPEC, OneAnswer(code))(token, _inputs(look)) for code in look.missing} == {False}
    assert {looker(SPEC, OneAnswer(code))(token, _inputs(look)) for code in ("AccessDenied", "403", "ExpiredToken")} == {None}


@pytest.mark.parametrize("token", ["aws:s3/bucketVersioning:BucketVersioning", "aws:s3/bucketLogging:BucketLogging"])
def test_a_setting_that_is_answered_as_empty_was_never_made(token: str) -> None:
    assert looker(SPEC, OneAnswer(answer={}))(token, {"bucket": "acme-models"}) is False


@pytest.mark.parametrize(("token", "inputs"), [
    ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}), ("aws:iam/role:Role", {}), ("aws:iam/rolePolicy:RolePolicy", {"name": "a", "role": None})])
def test_without_a_name_nobody_is_asked(token: str, inputs: dict[str, Any]) -> None:
    aws = OneAnswer()

    assert looker(SPEC, aws)(token, inputs) is None
    assert aws.calls == []


def test_another_accounts_credentials_are_refused() -> None:
    with pytest.raises(CannotStart, match="000000000000"):
        looker(SPEC, OneAnswer(account="000000000000"))


def test_an_environment_outside_aws_has_nothing_to_ask_there(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="is not in AWS"):
        looker(world(tmp_path), OneAnswer())


def test_the_command_says_how_to_ask() -> None:
    assert "--aws" in CliRunner().invoke(adopt, ["--help"]).output
