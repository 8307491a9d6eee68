"""What encrypts a state's secrets, as the environment wishes it and as the state says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gpuplane.delivery.exit_status import CannotStart, EngineFailed
from gpuplane.delivery.pulumi_engine import require_tools
from gpuplane.delivery.secrets_provider import difference, needs_passphrase, require_wished
from gpuplane.spec.errors import InvalidSpec
from tests.delivery.applying.worlds import world

KEY = "awskms://alias/gpuplane-state-local?region=eu-central-1&context_team=ml"
OF_WORDS: dict[str, Any] = {"secrets_providers": {"type": "passphrase", "state": {"salt": "v1:c2FsdA=="}}}
OF_CLOUD: dict[str, Any] = {"secrets_providers": {"type": "service", "state": {}}}


def of_key(url: str) -> dict[str, Any]:
    return {"secrets_providers": {"type": "cloud", "state": {"url": url, "encryptedkey": "a2V5"}}}


@pytest.mark.parametrize(("wish", "state"), [
    (None, OF_WORDS), (None, of_key(KEY)), (None, OF_CLOUD), ("passphrase", OF_WORDS), (KEY, of_key(KEY)),
    (KEY, of_key("awskms://alias/gpuplane-state-local?context_team=ml&region=eu-central-1")), (KEY, {}), ("passphrase", {})])
def test_a_state_is_as_wished_or_says_nothing_yet(tmp_path: Path, wish: str | None, state: dict[str, Any]) -> None:
    spec = world(tmp_path, f"  secrets_provider: {wish}\n" if wish else "")

    require_wished(spec, "local-tenants", state)

    assert difference(spec, "local-tenants", state) is None


@pytest.mark.parametrize(("wish", "state", "there"), [
    (KEY, OF_WORDS, "passphrase"), (KEY, OF_CLOUD, "service"), ("passphrase", of_key(KEY), KEY),
    (KEY, of_key(KEY.replace("eu-central-1", "eu-west-1")), KEY.replace("eu-central-1", "eu-west-1")),
    (KEY, of_key(KEY.replace("alias/", "alias/other-")), KEY.replace("alias/", "alias/other-"))])
def test_another_provider_is_refused_with_what_to_do(tmp_path: Path, wish: str, state: dict[str, Any], there: str) -> None:
    spec = world(tmp_path, f"  secrets_provider: {wish}\n")

    with pytest.raises(EngineFailed) as refused:
        require_wished(spec, "local-tenants", state)

    said = str(refused.value)
    assert f"encrypted by {there}, and " in said
    assert "environment.yaml:" in said
    assert f"`pulumi stack change-secrets-provider '{wish}' --stack local-tenants`" in said
    assert ("PULUMI_CONFIG_PASSPHRASE" in said) == ("passphrase" in (wish, there))
    assert "a2V5" not in said


@pytest.mark.parametrize(("wish", "backend", "needs"), [
    (None, "file:///state", True), (None, "s3://state", True), (None, "https://api.pulumi.com", False), ("passphrase", "https://api.pulumi.com", True),
    ("passphrase", "s3://state", True), (KEY, "file:///state", False), (KEY, "https://api.pulumi.com", False)])
def test_a_passphrase_is_asked_for_only_where_it_opens_something(tmp_path: Path, wish: str | None, backend: str, needs: bool) -> None:
    spec = world(tmp_path, f"  secrets_provider: {wish}\n" if wish else "")

    assert needs_passphrase(spec, backend) == needs


def test_without_a_passphrase_it_is_said_how_a_key_service_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = world(tmp_path)
    monkeypatch.setattr("shutil.which", lambda _: "pulumi")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(CannotStart, match=r"spec\.secrets_provider"):
        require_tools(spec)


@pytest.mark.parametrize("wish", [
    "awskms://alias/a?region=eu-central-1", "awskms:///arn:aws:kms:eu-central-1:111122223333:key/0a1b?region=eu-central-1", "hashivault://state",
    "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k", "azurekeyvault://acme.vault.azure.net/keys/state", "passphrase"])
def test_what_pulumi_takes_is_taken(tmp_path: Path, wish: str) -> None:
    assert world(tmp_path, f"  secrets_provider: {wish}\n").environment.spec.secrets_provider == wish


@pytest.mark.parametrize("wish", ["default", "awskms://", "base64key://c2VjcmV0", "hashivault://user:token@vault/state", "'awskms://a b'", "plaintext"])
def test_what_is_no_key_service_or_holds_credentials_is_refused(tmp_path: Path, wish: str) -> None:
    with pytest.raises(InvalidSpec, match="secrets_provider"):
        world(tmp_path, f"  secrets_provider: {wish}\n")
