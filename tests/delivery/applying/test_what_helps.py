"""What to do about a failure, and what a run's record remembers of answers that were lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from gpuplane.delivery.applying.outcome import Outcome
from gpuplane.delivery.applying.remedies import what_helps
from gpuplane.delivery.applying.run_record import new_record
from gpuplane.delivery.applying.unsure import MADE, unsure_before, unsure_creates
from gpuplane.spec.environment_spec import StackKey

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LOST = 'Post "https://10.0.0.1/api/v1/namespaces/a/resourcequotas": EOF'


@pytest.mark.parametrize(("said", "words"), [
    ("error: getting secrets manager: incorrect passphrase", "PULUMI_CONFIG_PASSPHRASE"),
    ("error: secrets (code=PermissionDenied): operation error KMS: Decrypt, api error AccessDeniedException", "kms:Decrypt"),
    ("error: place 1: unexpected end of JSON input", "gpuplane state restore prod COPY --stack prod-tenants"),
    ("was not created by the Kubernetes API server: couldn't get version/kind; json parse error: unexpected end of JSON input",
     "run the command again"),
    ("write /state/x.json.tmp: file too large", "Make room"),
    ("write /state/x.json.tmp: no space left on device", "Make room"),
    ("write /state/x.json.tmp: disk quota exceeded", "Make room"),
    ('no matches for kind "InferenceService" in version "serving.kserve.io/v1beta1"', "CustomResourceDefinition is not there"),
    ('Apply failed with 1 conflict: conflict with "bob" using v1: .spec.hard', "Somebody else owns the field"),
    ('namespaces "a" already exists', "gpuplane adopt prod"),
    ('failed calling webhook "x": connection refused', "does not answer"),
    ("Unauthorized", "Log in anew"),
    ("Pulumi was killed by signal 9, and not by this run.", "run the command again"),
    (LOST, "run the command again"),
    ("something nobody has seen before", ""),
])
def test_a_failure_says_what_to_do(said: str, words: str) -> None:
    found = what_helps(said, "prod", "prod-tenants")

    assert words in found
    assert bool(found) == bool(words)


def _failed(name: str, *said: str, operation: str = "create", kind: str = "kubernetes:core/v1:ResourceQuota") -> SimpleNamespace:
    new = SimpleNamespace(urn=name, type=kind, parent="p", provider="k::1", inputs={"kind": "ResourceQuota", "apiVersion": "v1", "metadata": {
        "name": name, "labels": {"a": "b"}}, "spec": {}})
    step = SimpleNamespace(op=SimpleNamespace(value=operation), type=kind, new=new)
    return SimpleNamespace(failed={name: step}, begun={}, made={}, said={name: list(said)})


def _begun(progress: SimpleNamespace) -> SimpleNamespace:
    """The same of steps of which no end was said."""
    return SimpleNamespace(failed={}, begun=progress.failed, made={}, said={})


@pytest.mark.parametrize(("progress", "unsure"), [
    (_failed("q", LOST), True),
    (_failed("q"), True),
    (_failed("q", "quotas is forbidden"), False),
    (_failed("q", 'resourcequotas "q" already exists'), False),
    (_failed("q", LOST, operation="update"), False),
    (_failed("q", LOST, kind="aws:ec2/vpc:Vpc"), False),
    (_begun(_failed("q")), True),
    (_begun(_failed("q", operation="update")), False),
])
def test_only_a_create_without_a_clear_no_is_unsure(progress: SimpleNamespace, unsure: bool) -> None:
    found = unsure_creates(progress)  # type: ignore[arg-type]

    assert bool(found) == unsure
    if unsure:
        assert found[0]["inputs"] == {"kind": "ResourceQuota", "apiVersion": "v1", "metadata": {"name": "q"}}


def test_what_a_run_was_unsure_of_is_asked_until_the_stack_is_applied(tmp_path: Path) -> None:
    key, begun = StackKey("tenants"), {"urn": "u", "type": "t"}
    first = new_record(tmp_path, "prod", NOW)
    first.ended(Outcome(key, "prod-tenants", "failed"), "", NOW)
    first.unsure("prod-tenants", [begun], NOW)
    first.close(3, NOW)

    assert unsure_before(tmp_path, "prod") == {"prod-tenants": (begun,)}

    second = new_record(tmp_path, "prod", NOW.replace(hour=1))
    second.ended(Outcome(key, "prod-tenants", "applied"), "", NOW)
    second.close(0, NOW)

    assert unsure_before(tmp_path, "prod") == {}


def test_what_a_failed_run_made_is_remembered_with_its_components() -> None:
    progress = _failed("q", "quotas is forbidden")
    progress.made = {"c": SimpleNamespace(type="gpuplane:index:Tenant", new=SimpleNamespace(urn="c", type="gpuplane:index:Tenant", parent="",
                                                                                          provider="", inputs={})),
                     "n": SimpleNamespace(type="kubernetes:core/v1:Namespace", new=progress.failed["q"].new),
                     "p": SimpleNamespace(type="pulumi:providers:kubernetes", new=None)}

    found = unsure_creates(progress)

    assert [(one["type"], one.get(MADE)) for one in found] == [("gpuplane:index:Tenant", True), ("kubernetes:core/v1:ResourceQuota", True)]
