"""The API server's own Pod Security admission as the judge of the rules about pods: object by object, and rule by rule.

Every fixture of the Pod Security Standards and more than 500 seeded random pods are created in a server-side dry run, in one namespace for each
level; what the server refuses, and the checks that it names, must be what our rules find before there is a server.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.pod_security import Level, violations
from gpuplane.policies.rules.workloads.unsafe_sysctls import SAFE_SINCE
from tests.integration.cluster import Cluster, wait_for
from tests.integration.random_pods import random_pods

pytestmark = pytest.mark.integration

DRAWN, VALID = 800, 500
CHECKS = {
    "privileged": "WS-01", "host namespaces": "WS-02", "hostPath volumes": "WS-03", "hostPort": "WS-04",
    "allowPrivilegeEscalation != false": "WS-05", "runAsNonRoot != true": "WS-06", "runAsUser=0": "WS-07",
    "unrestricted capabilities": "WS-08", "non-default capabilities": "WS-09", "seccompProfile": "WS-10", "procMount": "WS-12",
    "forbidden sysctls": "WS-13", "forbidden AppArmor profile": "WS-14", "seLinuxOptions": "WS-14", "restricted volume types": "WS-15",
    "probe or lifecycle host": "WS-16", "hostProcess": "WS-17"}
"""What the server calls a check, and our rule; a plural has an s more."""
OVERRIDDEN = {"WS-03": "WS-15", "WS-09": "WS-08"}
"""Checks of level Baseline that a stricter one of level Restricted takes the place of (``OverrideCheckIDs``)."""


@pytest.fixture(scope="module")
def namespaces(cluster: Cluster) -> Iterator[dict[Level, str]]:
    found = {level: f"enforces-{level}" for level in Level}
    for level, name in found.items():
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": name, "labels": {"pod-security.kubernetes.io/enforce": str(level), "pod-security.kubernetes.io/enforce-version": "latest"}}})
        wait_for(lambda name=name: cluster.get("v1", "ServiceAccount", "default", name) is not None, f"{name} has an account")  # type: ignore[misc]
    yield found
    cluster.delete(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in found.values()))


def test_the_fixtures_are_refused_where_our_rules_refuse_them(cluster: Cluster, namespaces: dict[Level, str]) -> None:
    folder = os.environ.get("GPUPLANE_POLICY_CASES")
    if folder is None:
        pytest.skip("GPUPLANE_POLICY_CASES names no folder of fixtures")
    files = sorted(Path(folder, "psa").rglob("*.yaml"))
    pods = [yaml.safe_load(file.read_text()) for file in files]

    judged, disagreements = _compared(cluster, namespaces, pods)

    assert judged > 20
    assert disagreements == []


def test_random_pods_are_refused_where_our_rules_refuse_them(cluster: Cluster, namespaces: dict[Level, str]) -> None:
    judged, disagreements = _compared(cluster, namespaces, islice(random_pods(1, _known_sysctls(cluster)), DRAWN))

    assert judged >= VALID
    assert disagreements == []


def _compared(cluster: Cluster, namespaces: dict[Level, str],
              pods: Iterable[dict[str, Any]]) -> tuple[int, list[tuple[str, Level, list[str], list[str]]]]:
    """How many pods were valid, and those that server and rules see differently."""
    found, judged, newer = [], 0, set(SAFE_SINCE) - set(_known_sysctls(cluster))
    for pod in pods:
        if any(item.get("name") in newer for item in ((pod["spec"].get("securityContext") or {}).get("sysctls") or [])):
            continue  # a later version of Kubernetes takes it, this server does not
        for level, namespace in namespaces.items():
            theirs, ours = _refused(cluster, pod, namespace), _ours(pod, level)
            judged += theirs is not None and level is Level.RESTRICTED
            if theirs is not None and ours != theirs:
                found.append((json.dumps(pod), level, sorted(ours), sorted(theirs)))
    return judged, found


def _ours(pod: dict[str, Any], level: Level) -> set[str]:
    view = ResourceView(urn="pod", api_version="v1", kind="Pod", name="pod", props=pod)
    # WS-01 says of SYS_ADMIN that it is as good as privileged; the server says so of no capability.
    found = {finding.rule for finding in violations(PlannedGraph([view]), level)
             if not (finding.rule == "WS-01" and "capabilities" in finding.field)}
    return {OVERRIDDEN.get(rule, rule) for rule in found} if level is Level.RESTRICTED else found


def _refused(cluster: Cluster, pod: dict[str, Any], namespace: str) -> set[str] | None:
    """Rules for which the server refuses a pod; empty where it takes it, None where it is no valid pod at all."""
    body = {**pod, "metadata": {**pod["metadata"], "namespace": namespace}}
    try:
        cluster.core.create_namespaced_pod(namespace, body, dry_run="All")
    except ApiException as error:
        message = str(json.loads(error.body)["message"])
        if error.status != 403:
            return None
        _, _, said = message.partition('violates PodSecurity "')
        assert said, message
        return {rule for check, rule in CHECKS.items() if f"{check} (" in said or f"{check}s (" in said}
    return set()


def _known_sysctls(cluster: Cluster) -> tuple[str, ...]:
    version = client.VersionApi(cluster.api).get_code()
    here = (int(version.major), int(version.minor.rstrip("+")))
    return tuple(name for name, since in SAFE_SINCE.items() if since <= here)
