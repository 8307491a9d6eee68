"""A control plane whose parts die, webhooks that do not answer, CRDs that are missing, and somebody else's objects and fields."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from kubernetes import client

from tests.faults.bed import Bed, Done
from tests.faults.case import Case, done_or
from tests.faults.control_plane import ControlPlane, custom_resource_definitions, install, wait_until
from tests.faults.kills import more_quota
from tests.faults.network import AGAIN, TWO

GOOD, FAILED, WRONG = frozenset({0}), frozenset({3}), frozenset({2})
KIND = "inferenceservices.serving.kserve.io"


def _plane(bed: Bed) -> ControlPlane:
    assert bed.plane is not None
    return bed.plane


def killed_for(name: str, seconds: float) -> Callable[[Bed], Done]:
    """A run in whose middle a part of the control plane is killed, and started again after a while."""
    def run(bed: Bed) -> Done:
        running = bed.start()
        running.wait_for(" created", 6)
        _plane(bed).kill(name)
        time.sleep(seconds)
        _plane(bed).start(name)
        return running.end()
    return run


def killed_for_good(name: str) -> Callable[[Bed], Done]:
    """The same, and it stays dead until the run is over."""
    def run(bed: Bed) -> Done:
        running = bed.start(*TWO)
        running.wait_for(" created", 6)
        _plane(bed).kill(name)
        return running.end()
    return run


def _dead_from_the_beginning(bed: Bed) -> Done:
    _plane(bed).kill("kube-apiserver")
    return bed.up()


def webhook(bed: Bed, message: str = "") -> None:
    """A webhook on the tenant's quotas that nobody serves; or, with a message, a policy that says no."""
    selector = {"matchLabels": {"kubernetes.io/metadata.name": bed.tenant}}
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["resourcequotas"]}]
    name = f"{bed.tenant}.example.com"
    if message:
        constraint = {"resourceRules": rules, "namespaceSelector": selector}
        bed.cluster.create({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
                            "spec": {"matchConstraints": constraint, "validations": [{"expression": "false", "message": message}]}})
        bed.cluster.create({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
                            "metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}})
        time.sleep(2)  # until the API server acts on it
        return
    hook = {"name": name, "rules": rules, "namespaceSelector": selector, "failurePolicy": "Fail", "sideEffects": "None", "timeoutSeconds": 1,
            "admissionReviewVersions": ["v1"], "clientConfig": {"url": "https://127.0.0.1:9/none"}}
    bed.cluster.create({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": name},
                        "webhooks": [hook]})


def no_webhook(bed: Bed) -> None:
    hooks = client.AdmissionregistrationV1Api(bed.cluster.api)
    name = f"{bed.tenant}.example.com"
    deletes = {hooks.list_validating_webhook_configuration: hooks.delete_validating_webhook_configuration,
               hooks.list_validating_admission_policy_binding: hooks.delete_validating_admission_policy_binding,
               hooks.list_validating_admission_policy: hooks.delete_validating_admission_policy}
    for listed, delete in deletes.items():
        if name in {one.metadata.name for one in listed().items}:
            delete(name)


def _webhook_back_in_time(bed: Bed) -> Done:
    """A webhook that answers again while the run still tries."""
    running = bed.start()
    running.wait_for("attempt 1 failed")
    no_webhook(bed)
    return running.end()


def _refused(bed: Bed) -> None:
    webhook(bed, "no quotas on a Sunday")


def _not_registered(bed: Bed) -> None:
    api = client.ApiextensionsV1Api(bed.cluster.api)
    api.delete_custom_resource_definition(KIND)
    wait_until(lambda: KIND not in {one.metadata.name for one in api.list_custom_resource_definition().items}, f"{KIND} is gone")


def _registered(bed: Bed) -> None:
    install([one for one in custom_resource_definitions() if one["metadata"]["name"] == KIND], str(_plane(bed).kubeconfig))


def _registered_meanwhile(bed: Bed) -> Done:
    """The CRD arrives while the run waits for it."""
    running = bed.start()
    running.wait_for("LocalQueue")
    later = threading.Timer(5, _registered, (bed,))
    later.start()
    done = running.end()
    later.join()
    return done


def _foreign_namespace(bed: Bed) -> None:
    bed.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": bed.tenant}})


def _no_foreign_namespace(bed: Bed) -> None:
    bed.cluster.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": bed.tenant}})


def _another_owner(bed: Bed) -> None:
    """Somebody else applies the field that the next run is to change."""
    more_quota(bed)
    queue = bed.cluster.kind("kueue.x-k8s.io/v1beta2", "ClusterQueue")
    live = queue.get(name=bed.tenant).to_dict()
    groups = live["spec"]["resourceGroups"]
    groups[0]["flavors"][0]["resources"][0]["nominalQuota"] = "1"
    body = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": {"name": bed.tenant}, "spec": {"resourceGroups": groups}}
    queue.server_side_apply(body=body, name=bed.tenant, field_manager="bob", force_conflicts=True)


def _owner_lets_go(bed: Bed) -> None:
    queue = bed.cluster.kind("kueue.x-k8s.io/v1beta2", "ClusterQueue")
    queue.server_side_apply(body={"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ClusterQueue", "metadata": {"name": bed.tenant}},
                            name=bed.tenant, field_manager="bob")


def _up(bed: Bed) -> Done:
    return bed.up()


def _impatient(bed: Bed) -> Done:
    return bed.up(*TWO)


CASES = (
    Case("the API server is killed and comes back", killed_for("kube-apiserver", 1), GOOD),
    Case("the API server is killed and stays dead", killed_for_good("kube-apiserver"), FAILED, AGAIN),
    Case("the API server is dead from the beginning on", _dead_from_the_beginning, WRONG, ("Nothing was touched",)),
    Case("etcd is killed and comes back", killed_for("etcd", 2), GOOD),
    Case("etcd is killed and stays dead", killed_for_good("etcd"), FAILED, AGAIN),
    Case("the controllers are dead", killed_for_good("kube-controller-manager"), GOOD, ("✓ local-tenants: ",)),
    Case("a webhook does not answer", _impatient, FAILED, ("failed calling webhook", "A webhook of the cluster does not answer"),
         prepare=webhook, heal=no_webhook),
    Case("a webhook that answers again in time", _webhook_back_in_time, GOOD, prepare=webhook, heal=no_webhook),
    Case("a policy of the cluster says no", _up, FAILED, ("no quotas on a Sunday", "Correct the wish"), prepare=_refused, heal=no_webhook),
    Case("a CRD is missing", _impatient, FAILED, ("CustomResourceDefinition is not there",), prepare=_not_registered, heal=_registered),
    Case("a CRD that arrives in the middle", _registered_meanwhile, GOOD | FAILED, prepare=_not_registered,
         after=done_or("A CustomResourceDefinition is not there")),
    Case("an object of that name is somebody else's", _up, FAILED, ("already exists", "gpuplane adopt local"), prepare=_foreign_namespace,
         heal=_no_foreign_namespace),
    Case("another field manager owns the field", _up, FAILED, ("bob", "Somebody else owns the field"), prepare=_another_owner,
         heal=_owner_lets_go, applied=True),
)
