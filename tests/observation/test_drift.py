"""Drift jobs: a small CronJob without a GPU, inside the tenant's limits, and an alert when it fails."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.components.drift_job import PROGRAM
from gpuplane.spec.errors import InvalidSpec
from tests.components.recorded import one
from tests.observation.promql import known_series, problems
from tests.observation.test_rules import views_of
from tests.planning.wish import Wish, valid

CHAT = "services/acme/chat"
DRIFT = {"image": "docker.io/vllm/drift@sha256:" + "d" * 64, "reference": "s3://acme-samples/chat/reference",
         "current": "s3://acme-samples/chat/current", "drifted_columns_percent": 30}


def drifting(**changes: Any) -> Wish:
    return valid().put("environment spec.monitoring", {}).put(f"{CHAT} spec.drift", DRIFT | changes)


def test_the_job_compares_two_prefixes_without_a_gpu() -> None:
    job = one(views_of(drifting(schedule="0 5 * * 1").spec()), "CronJob", "chat-drift")
    pod = job.props["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    container = pod["containers"][0]

    assert (job.namespace, job.props["spec"]["schedule"]) == ("acme", "0 5 * * 1")
    assert container["image"] == DRIFT["image"]
    assert {one["name"]: one["value"] for one in container["env"]} == {
        "REFERENCE": DRIFT["reference"], "CURRENT": DRIFT["current"], "DRIFTED_COLUMNS_RATIO": "0.3", "HOME": "/tmp"}
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "4Gi"}
    assert (pod["serviceAccountName"], pod["securityContext"]["runAsNonRoot"]) == ("model-server", True)


def test_its_failure_alerts_the_tenant() -> None:
    rule = one(views_of(drifting().spec()), "PrometheusRule", "gpuplane-chat-drift").props["spec"]["groups"][0]["rules"][0]

    assert rule["expr"] == 'max by (namespace) (kube_job_status_failed{namespace="acme",job_name=~"chat-drift-[0-9]+"}) > 0'
    assert list(problems(rule["expr"], known_series())) == []


def test_where_nobody_watches_there_is_only_the_job() -> None:
    kinds = [view.kind for view in views_of(valid().put(f"{CHAT} spec.drift", DRIFT).spec())]

    assert "CronJob" in kinds
    assert "PrometheusRule" not in kinds


@pytest.mark.parametrize(("field", "value"), [
    ("image", "docker.io/acme/drift:latest"), ("reference", "/mnt/samples"), ("schedule", "daily"), ("drifted_columns_percent", 100)])
def test_what_cannot_be_is_said(field: str, value: object) -> None:
    with pytest.raises(InvalidSpec, match=field):
        drifting(**{field: value}).spec()


def test_the_program_compiles_and_prints_no_value_of_a_column() -> None:
    compile(PROGRAM, "drift", "exec")

    assert [line for line in PROGRAM.splitlines() if "print(" in line] == [
        'print(f"{share:.1%} of {len(columns)} columns drifted; the limit is {limit:.1%}")']
