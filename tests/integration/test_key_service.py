"""State whose secrets a key service encrypts: the real Pulumi CLI and a small KMS, from the first up to another provider and back.

There is no passphrase in the environment of these runs. Told in order: each test begins where the one before it left the cluster.
"""

from __future__ import annotations

import base64
import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation as auto

from gpuplane.delivery import pulumi_engine
from gpuplane.delivery.applying.state_copies import read_copy, restore, write_copy
from gpuplane.delivery.applying.states import run_cli
from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.pulumi_engine import DetachedPulumi, name_of
from gpuplane.spec.environment_spec import StackKey
from tests.delivery.applying.worlds import planned, world
from tests.integration.small_kms import SmallKms, small_kms
from tests.integration.work import ROOT, Work

pytestmark = pytest.mark.integration

TOKEN = "a token that no state may show"



@pytest.fixture(scope="module")
def kms() -> Iterator[SmallKms]:
    with small_kms() as found:
        yield found


@pytest.fixture(scope="module")
def keyed(kms: SmallKms, work: Work) -> Work:
    """The local environment with one tenant, in a stack of its own, applied with the key and without a passphrase."""
    for name in ("research", "search"):
        (work.environments / "local" / "tenants" / f"{name}.yaml").unlink()
        shutil.rmtree(work.environments / "local" / "services" / name)
    work.edit("environment.yaml", "  kueue:\n", f"  secrets_provider: {kms.url}\n  tenant_stacks: true\n  kueue:\n")
    del work.variables["PULUMI_CONFIG_PASSPHRASE"]
    work.variables.update(kms.variables, XDG_STATE_HOME=str(work.folder / "home"))
    work.gpuplane("up", "local")
    return work


def _states(work: Work) -> dict[str, dict[str, Any]]:
    found = (work.folder / "state" / ".pulumi" / "stacks" / "gpuplane").glob("*.json")
    return {path.stem: json.loads(path.read_text())["checkpoint"]["latest"] for path in found}


def _data_keys(work: Work) -> dict[str, bytes]:
    """What the service gave for each stack's data key."""
    found = {name: state["secrets_providers"] for name, state in _states(work).items()}
    assert {each["type"] for each in found.values()} == {"cloud"}
    return {name: base64.b64decode(each["state"]["encryptedkey"]) for name, each in found.items()}


@pytest.fixture
def own_kms() -> Iterator[SmallKms]:
    with small_kms() as found:
        yield found


def test_a_secret_is_a_ciphertext_in_the_state_and_comes_back_with_the_key_alone(
        own_kms: SmallKms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform holds no secret (its credentials stay outside): here is a stack that has one."""
    monkeypatch.setattr(pulumi_engine, "register", lambda *_: pulumi.export("token", pulumi.Output.secret(TOKEN)))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    for name, value in own_kms.variables.items():
        monkeypatch.setenv(name, value)
    spec = world(tmp_path / "world", f"  secrets_provider: {own_kms.url}\n")
    variables, key, copy = pulumi_engine.require_tools(spec), StackKey("tenants"), tmp_path / "copy"

    def token(apply: bool = False) -> str:
        with pulumi_engine.opened(spec, planned(spec), key, variables, DetachedPulumi()) as stack:
            if apply:
                stack.up()
            return str(stack.outputs()["token"].value)

    assert token(apply=True) == TOKEN
    write_copy(spec, copy, variables, "2026-01-01T00:00:00Z")
    run_cli(["stack", "rm", "--yes", "--force", name_of(spec, key)], variables)
    restore(spec, read_copy(spec, copy), variables)

    assert '"ciphertext"' in (copy / f"{name_of(spec, key)}.json").read_text()
    assert not [file for file in tmp_path.rglob("*.json*") if TOKEN in file.read_text()]
    assert token() == TOKEN
    own_kms.texts.clear()
    with pytest.raises((auto.CommandError, EngineFailed), match="InvalidCiphertextException"):
        token()
    assert own_kms.wrong == []


def test_every_stack_has_a_data_key_that_only_the_service_opens(keyed: Work, kms: SmallKms) -> None:
    states = _states(keyed)

    keys = _data_keys(keyed)

    assert set(keys) == {"local-platform", "local-tenants-support"}
    assert {state["secrets_providers"]["state"]["url"] for state in states.values()} == {kms.url}
    assert len(set(keys.values())) == len(keys) == kms.asked.count("Encrypt")
    assert set(keys.values()) <= kms.texts.keys()
    for name, state in states.items():
        assert base64.b64encode(kms.texts[keys[name]]).decode() not in json.dumps(state)
    assert kms.wrong == []


def test_later_runs_open_the_same_keys_and_make_none(keyed: Work, kms: SmallKms) -> None:
    before, encrypted = _data_keys(keyed), kms.asked.count("Encrypt")

    again = keyed.gpuplane("up", "local").stderr
    drift = keyed.gpuplane("drift", "local").stdout
    checked = keyed.gpuplane("state", "check", "local").stdout

    assert "unchanged" in again
    assert "no drift" in drift
    assert "encrypted" in checked
    assert _data_keys(keyed) == before
    assert kms.asked.count("Encrypt") == encrypted
    assert kms.wrong == []


def test_a_stack_that_is_gone_is_restored_with_its_key(keyed: Work, kms: SmallKms) -> None:
    copy, before = keyed.folder / "copy", _data_keys(keyed)
    keyed.gpuplane("state", "backup", "local", "--out", str(copy))
    keyed.pulumi("stack", "rm", "--yes", "--force", "local-tenants-support", project=keyed.project("removing"))

    said = keyed.gpuplane("state", "restore", "local", str(copy), "--before", str(keyed.folder / "before"), "--yes")

    assert "change-secrets-provider" not in said.stderr
    assert _data_keys(keyed) == before
    assert "unchanged" in keyed.gpuplane("up", "local", "--tenant", "support").stderr
    assert kms.wrong == []


def test_what_is_adopted_and_moved_is_encrypted_by_the_key(keyed: Work, kms: SmallKms) -> None:
    file = next(keyed.folder.rglob("state/.pulumi/stacks/gpuplane/local-tenants-support.json"))
    file.unlink()  # the stack is forgotten: its objects are now as if made by hand

    adopted = keyed.gpuplane("adopt", "local", "--tenant", "support", "--yes").stdout
    keyed.edit("environment.yaml", "tenant_stacks: true", "tenant_stacks: false")
    keyed.gpuplane("migrate-stacks", "local", "--yes")
    whole = keyed.gpuplane("up", "local", "--layer", "tenants").stderr

    assert " adopted; the next up replaces none" in adopted
    assert "unchanged" in whole
    keys = _data_keys(keyed)
    assert set(keys) == {"local-platform", "local-tenants"}
    assert set(keys.values()) <= kms.texts.keys()
    assert kms.wrong == []


def test_without_the_right_to_the_key_nothing_is_applied_and_it_is_said_why(keyed: Work, kms: SmallKms) -> None:
    before = _states(keyed)
    kms.denies = True
    try:
        refused = keyed.gpuplane("up", "local", status=3).stderr
    finally:
        kms.denies = False

    assert "AccessDeniedException" in refused
    assert "spec.secrets_provider" in refused
    assert "PULUMI_CONFIG_PASSPHRASE" not in refused
    assert _states(keyed) == before


def test_another_provider_is_refused_until_what_the_refusal_says_was_done(keyed: Work, kms: SmallKms) -> None:
    """From the key to a passphrase and back; the secrets stay what they are."""
    before = _states(keyed)
    keyed.edit("environment.yaml", f"secrets_provider: {kms.url}", "secrets_provider: passphrase")
    without = keyed.gpuplane("up", "local", status=2).stderr
    keyed.variables["PULUMI_CONFIG_PASSPHRASE"] = "correct horse"
    refused = keyed.gpuplane("up", "local", status=3).stderr
    checked = keyed.gpuplane("state", "check", "local", status=1).stdout

    assert "the state needs a passphrase" in without
    assert f"encrypted by {kms.url}" in refused
    assert "environment.yaml:" in refused
    assert len([line for line in checked.splitlines() if "change-secrets-provider" in line]) == 2
    assert _states(keyed) == before

    _as_said(keyed, checked)
    assert "unchanged" in keyed.gpuplane("up", "local").stderr
    assert {state["secrets_providers"]["type"] for state in _states(keyed).values()} == {"passphrase"}

    copy = keyed.folder / "of-a-passphrase"
    keyed.gpuplane("state", "backup", "local", "--out", str(copy))
    keyed.edit("environment.yaml", "secrets_provider: passphrase", f"secrets_provider: {kms.url}")
    assert "encrypted by passphrase" in keyed.gpuplane("up", "local", status=3).stderr
    _as_said(keyed, keyed.gpuplane("state", "check", "local", status=1).stdout)
    del keyed.variables["PULUMI_CONFIG_PASSPHRASE"]
    assert "unchanged" in keyed.gpuplane("up", "local").stderr
    assert set(_data_keys(keyed).values()) <= kms.texts.keys()

    restore = ("state", "restore", "local", str(copy), "--before", str(keyed.folder / "of-the-key"), "--yes")
    closed = keyed.gpuplane(*restore, status=2).stderr
    keyed.variables["PULUMI_CONFIG_PASSPHRASE"] = "correct horse"
    restored = keyed.gpuplane(*restore).stderr
    del keyed.variables["PULUMI_CONFIG_PASSPHRASE"]
    assert "encrypted by a passphrase" in closed
    assert restored.count("encrypted by passphrase") == 2, "a copy brings its own provider, and that is said"
    keyed.gpuplane("state", "restore", "local", str(keyed.folder / "of-the-key"), "--before", str(keyed.folder / "again"), "--yes")
    assert "unchanged" in keyed.gpuplane("up", "local").stderr
    assert kms.wrong == []


def _as_said(work: Work, checked: str) -> None:
    """Run what was said, in a folder that has Pulumi.yaml and nothing else."""
    project = work.folder / "said"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    shutil.copy(ROOT / "Pulumi.yaml", project)
    for line in (line for line in checked.splitlines() if "change-secrets-provider" in line):
        work.pulumi(*shlex.split(line.split("`")[1])[1:], project=project, says="correct horse\n" * 2)
