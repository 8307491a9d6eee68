"""The health expressions that Flux is given, evaluated by the API server's own CEL on queues that Kueue has judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from gpuplane.delivery.handoff.health_checks import HEALTH
from tests.integration.cluster import Cluster, wait_for

pytestmark = pytest.mark.integration

NAMES = ("flux-health-works", "flux-health-broken")
QUEUE = next(each for each in HEALTH if each.kind == "ClusterQueue")


def _queue(name: str, flavor: str) -> dict[str, Any]:
    return {"apiVersion": QUEUE.api_version, "kind": "ClusterQueue", "metadata": {"name": name}, "spec": {"resourceGroups": [{
        "coveredResources": ["cpu"], "flavors": [{"name": flavor, "resources": [{"name": "cpu", "nominalQuota": 1}]}]}]}}


@pytest.fixture(scope="module")
def queues(cluster: Cluster) -> Iterator[Cluster]:
    """One queue that is active, and one whose flavor is not there."""
    flavor = {"apiVersion": QUEUE.api_version, "kind": "ResourceFlavor", "metadata": {"name": "flux-health"}}
    bodies = [flavor, _queue(NAMES[0], "flux-health"), _queue(NAMES[1], "flux-health-gone")]
    for body in bodies:
        cluster.create(body)
    wait_for(lambda: all(_active(cluster, name) is not None for name in NAMES), "Kueue has judged both")
    yield cluster
    for body in reversed(bodies):
        cluster.delete(body)


def _active(cluster: Cluster, name: str) -> str | None:
    found = cluster.get(QUEUE.api_version, "ClusterQueue", name) or {}
    return next((one["status"] for one in (found.get("status") or {}).get("conditions") or () if one["type"] == "Active"), None)


def _holds(cluster: Cluster, name: str) -> bool:
    """Whether the policy in force lets a change of the object through, in a dry run."""
    try:
        cluster.kind(QUEUE.api_version, "ClusterQueue").patch(
            name=name, body={"metadata": {"annotations": {"example.com/asked": "yes"}}}, content_type="application/merge-patch+json", dry_run="All")
    except ApiException as error:
        if "flux-health" not in str(error.body):
            raise
        return False
    return True


@pytest.mark.parametrize(("field", "true_of", "false_of"), [("current", *NAMES), ("failed", *reversed(NAMES))])
def test_an_expression_says_of_real_queues_what_kueue_says(queues: Cluster, field: str, true_of: str, false_of: str) -> None:
    expression = QUEUE.cel[field].replace("status.conditions", "object.status.conditions")
    rule = {"apiGroups": [QUEUE.group], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["clusterqueues"]}
    policy = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": f"flux-health-{field}"}, "spec": {
        "failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": expression}]}}
    binding = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": f"flux-health-{field}"},
               "spec": {"policyName": f"flux-health-{field}", "validationActions": ["Deny"], "matchResources": {}}}
    queues.create(policy)
    queues.create(binding)
    try:
        wait_for(lambda: not _holds(queues, false_of), f"{field} is not so of {false_of}", 30)
        assert _holds(queues, true_of)
    finally:
        queues.delete(binding)
        queues.delete(policy)


def test_every_expression_is_of_the_form_that_was_evaluated() -> None:
    forms = {each.cel[field].replace(each.condition, "CONDITION") for each in HEALTH for field in ("current", "failed") if field in each.cel}

    assert forms == {QUEUE.cel[field].replace("Active", "CONDITION") for field in ("current", "failed")}
