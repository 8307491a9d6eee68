"""Bootstrap against a small AWS: every call is judged by botocore's own service models, and a second run makes nothing new."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gpuplane.cli import cli
from gpuplane.delivery.applying.aws_cli import AwsRefused
from gpuplane.delivery.applying.bootstrap import Bootstrap, Ci, github, gitlab
from gpuplane.delivery.applying.state_check import bucket_problems
from gpuplane.delivery.audit import AuditLog
from gpuplane.delivery.audit.chain import read_chain
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.spec.loader import load_environment
from tests.components.aws_api import operation_model, problems

ROOT = Path(__file__).resolve().parents[3]
SPEC = load_environment(ROOT / "environments", "prod")
AS_OF = date(2026, 1, 1)


class SmallAws:
    """What bootstrap needs of AWS, in memory."""

    def __init__(self, account: str) -> None:
        self.account, self.calls = account, list[str]()
        self.keys: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.buckets: dict[str, dict[str, Any]] = {}
        self.roles: dict[str, dict[str, Any]] = {}
        self.providers: set[str] = set()
        self.rotating: set[str] = set()
        self.dies_at = ""

    def call(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        shape = operation_model(service, operation).input_shape
        assert problems(shape, arguments) == [] if shape is not None else not arguments, (operation, arguments)
        if operation == self.dies_at:
            raise KeyboardInterrupt
        if not operation.startswith(("get-", "head-", "describe-")):
            self.calls.append(operation)
        return getattr(self, f"_{operation.replace('-', '_')}", self._setting(operation))(arguments) or {}

    def _setting(self, operation: str) -> Any:
        def set_it(arguments: dict[str, Any]) -> None:
            self.buckets[arguments["Bucket"]][operation] = arguments
        return set_it

    def _get_caller_identity(self, _: Any) -> dict[str, str]:
        return {"Account": self.account}

    def _describe_key(self, arguments: Any) -> dict[str, Any]:
        if arguments["KeyId"] not in self.aliases:
            raise AwsRefused("NotFoundException", "no alias")
        return {"KeyMetadata": {"Arn": self.aliases[arguments["KeyId"]], "KeyState": "Enabled"}}

    def _get_resources(self, _: Any) -> dict[str, Any]:
        return {"ResourceTagMappingList": [{"ResourceARN": arn} for arn in self.keys.values()]}

    def _create_key(self, _: Any) -> dict[str, Any]:
        arn = f"arn:aws:kms:eu-central-1:{self.account}:key/{len(self.keys)}"
        self.keys[arn] = arn
        return {"KeyMetadata": {"Arn": arn}}

    def _create_alias(self, arguments: Any) -> None:
        self.aliases[arguments["AliasName"]] = arguments["TargetKeyId"]

    def _get_key_rotation_status(self, arguments: Any) -> dict[str, bool]:
        return {"KeyRotationEnabled": arguments["KeyId"] in self.rotating}

    def _enable_key_rotation(self, arguments: Any) -> None:
        self.rotating.add(arguments["KeyId"])

    def _head_bucket(self, arguments: Any) -> None:
        if arguments["Bucket"] not in self.buckets:
            raise AwsRefused("404", "not found")

    def _create_bucket(self, arguments: Any) -> None:
        self.buckets[arguments["Bucket"]] = {"create": arguments}

    def _get_open_id_connect_provider(self, arguments: Any) -> None:
        if arguments["OpenIDConnectProviderArn"].partition("oidc-provider/")[2] not in self.providers:
            raise AwsRefused("NoSuchEntity", "no provider")

    def _create_open_id_connect_provider(self, arguments: Any) -> None:
        self.providers.add(arguments["Url"].removeprefix("https://"))

    def _get_role(self, arguments: Any) -> None:
        if arguments["RoleName"] not in self.roles:
            raise AwsRefused("NoSuchEntity", "no role")

    def _create_role(self, arguments: Any) -> None:
        self.roles[arguments["RoleName"]] = {"trust": arguments["AssumeRolePolicyDocument"]}

    def _update_assume_role_policy(self, arguments: Any) -> None:
        self.roles[arguments["RoleName"]]["trust"] = arguments["PolicyDocument"]

    def _put_role_policy(self, arguments: Any) -> None:
        self.roles[arguments["RoleName"]]["rights"] = arguments["PolicyDocument"]

    def _get_bucket_versioning(self, arguments: Any) -> Any:
        return self.buckets[arguments["Bucket"]].get("put-bucket-versioning", {}).get("VersioningConfiguration")

    def _get_public_access_block(self, arguments: Any) -> Any:
        return self.buckets[arguments["Bucket"]].get("put-public-access-block")

    def _get_bucket_encryption(self, arguments: Any) -> Any:
        return self.buckets[arguments["Bucket"]].get("put-bucket-encryption")


def _account() -> str:
    assert SPEC.environment.spec.aws is not None
    return SPEC.environment.spec.aws.account_id


def _bootstrap(aws: SmallAws, ci: Ci | None = None, change: bool = True) -> Bootstrap:
    run = Bootstrap(SPEC, aws, ci, change, lambda _: None)
    run.run()
    return run


def test_everything_is_made_and_the_check_finds_nothing_to_complain_of() -> None:
    aws = SmallAws(_account())

    run = _bootstrap(aws, github("acme/platform", "prod"))

    trust = json.loads(aws.roles[run.role]["trust"])["Statement"][0]
    assert trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == "repo:acme/platform:environment:prod"
    assert list(bucket_problems(run.bucket, aws)) == []
    assert len(aws.keys) == 1
    assert aws.rotating == set(aws.keys)


def test_a_second_run_makes_nothing_new() -> None:
    aws = SmallAws(_account())
    _bootstrap(aws, github("acme/platform", "prod"))
    aws.calls.clear()

    _bootstrap(aws, github("acme/platform", "prod"))

    assert not [call for call in aws.calls if call.startswith("create-")]


@pytest.mark.parametrize("dies_at", ["create-alias", "create-bucket", "put-bucket-encryption", "create-role", "put-role-policy"])
def test_a_run_that_was_killed_is_gone_on_with_by_the_next(dies_at: str) -> None:
    aws = SmallAws(_account())
    aws.dies_at = dies_at
    with pytest.raises(KeyboardInterrupt):
        _bootstrap(aws, gitlab("acme/platform", "main"))
    aws.dies_at = ""

    run = _bootstrap(aws, gitlab("acme/platform", "main"))

    assert len(aws.keys) == 1
    assert "rights" in aws.roles[run.role]
    assert list(bucket_problems(run.bucket, aws)) == []


@pytest.mark.parametrize(("flags", "records"), [(("--yes",), 1), ((), 0)])
def test_what_is_made_is_recorded(flags: tuple[str, ...], records: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws = SmallAws(_account())
    monkeypatch.setattr("gpuplane.delivery.applying.aws_cli.AwsCli", lambda _: aws)
    monkeypatch.setenv("GPUPLANE_AUDIT", str(tmp_path))

    for _ in range(2):
        assert CliRunner().invoke(cli, ["bootstrap", "prod", *flags, "--environments", str(ROOT / "environments")]).exit_code == 0

    chain = read_chain("prod", AuditLog(str(tmp_path)).lines("prod"))
    assert len(chain.records) == records * 2  # its settings are set again each time
    assert [record.kind for record in chain.records] == ["bootstrap"] * records * 2
    if records:
        assert "bucket gpuplane-state-111122223333-prod" in chain.records[0].detail["made"]
        assert "bucket gpuplane-state-111122223333-prod" not in chain.records[1].detail["made"]


def test_without_yes_nothing_is_changed() -> None:
    aws = SmallAws(_account())

    _bootstrap(aws, github("acme/platform", "prod"), change=False)

    assert aws.calls == []


def test_another_accounts_credentials_are_refused() -> None:
    with pytest.raises(CannotStart, match="000000000000"):
        _bootstrap(SmallAws("000000000000"))


def test_what_it_says_to_write_is_what_environment_yaml_takes(tmp_path: Path) -> None:
    environments = tmp_path / "environments"
    shutil.copytree(ROOT / "environments", environments)
    file = environments / "prod" / "environment.yaml"
    said = list(_bootstrap(SmallAws(_account()), change=False).next_steps())
    fields = [line.partition("environment.yaml: ")[2] for line in said]

    file.write_text(file.read_text() + "".join(f"  {field}\n" for field in fields))
    spec = load_environment(environments, "prod")

    assert spec.environment.spec.secrets_provider == "awskms://alias/gpuplane-state-prod?region=eu-central-1"
    again = Bootstrap(spec, SmallAws(_account()), None, False, lambda _: None)
    assert list(again.next_steps()) == said


def test_the_key_that_the_environment_names_is_the_one_that_is_made(tmp_path: Path) -> None:
    environments = tmp_path / "environments"
    shutil.copytree(ROOT / "environments", environments)
    file = environments / "prod" / "environment.yaml"
    file.write_text(file.read_text() + "  secrets_provider: awskms://alias/acme/state?region=eu-central-1\n")
    aws = SmallAws(_account())

    run = Bootstrap(load_environment(environments, "prod"), aws, None, True, lambda _: None)
    run.run()

    assert set(aws.aliases) == {"alias/acme/state"}
    assert "environment.yaml: secrets_provider: awskms://alias/acme/state?region=eu-central-1" in run.next_steps()


def test_a_bare_bucket_lacks_everything() -> None:
    aws = SmallAws(_account())
    aws.buckets["bare"] = {}

    found = list(bucket_problems("bare", aws))

    assert [problem.split(":", 2)[2].split()[0] for problem in found] == ["versioning", "public", "no"]
