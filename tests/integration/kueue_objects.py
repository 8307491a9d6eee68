"""Kueue's objects of a quota tree, and the writes and reads that a judge needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gpuplane.planning.cohorts.quota_tree import Quotas, ResourceQuota
from gpuplane.planning.cohorts.workloads import PodSet, Queue, Workload
from tests.integration.cluster import Cluster
from tests.integration.cohort_trees import HOST, Case

KUEUE = "/apis/kueue.x-k8s.io/v1beta2"
FLAVOR, GATE, RUN = "judge.gpuplane.dev/flavor", "judge.gpuplane.dev/open", "judge.gpuplane.dev/run"
THREADS = 8
KINDS = {"resourceflavors": "ResourceFlavor", "cohorts": "Cohort", "clusterqueues": "ClusterQueue", "localqueues": "LocalQueue",
         "workloads": "Workload", "namespaces": "Namespace"}


class KueueApi:
    """Plain calls on the API server, side by side where there are many; all that one run makes bears its label."""

    def __init__(self, cluster: Cluster, run: str) -> None:
        self._cluster, self._run = cluster, run
        self._pool = ThreadPoolExecutor(THREADS)

    def all(self, call: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> list[Any]:
        """The answers of one call for each of the arguments."""
        return list(self._pool.map(lambda each: call(*each), list(arguments)))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Create an object; its kind follows from the path."""
        kind = KINDS[path.rpartition("/")[2]]
        return self.call("POST", path, {"apiVersion": "v1" if kind == "Namespace" else KUEUE.removeprefix("/apis/"), "kind": kind, **body,
                                        "metadata": {**body["metadata"], "labels": {RUN: self._run}}})

    def get(self, path: str) -> Any:
        """Read an object."""
        return self.call("GET", path)

    def made(self, path: str) -> list[dict[str, Any]]:
        """All objects of a kind that the run made."""
        found: list[dict[str, Any]] = self.call("GET", path, only_own=True)["items"]
        return found

    def remove(self, path: str) -> None:
        """Delete all objects of a kind that the run made."""
        self.call("DELETE", path, only_own=True)

    def label(self, namespace: str, value: str | None) -> None:
        """Open or close a namespace's gate."""
        self.call("PATCH", f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": {GATE: value}}})

    def call(self, method: str, path: str, body: Any = None, unless: tuple[int, ...] = (), only_own: bool = False) -> Any:
        """One call, on the run's objects where ``only_own``; None where the status is one of ``unless``."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        query = [("labelSelector", f"{RUN}={self._run}")] if only_own else []
        request = self._cluster.api.param_serialize(method, path, query_params=query, body=body, auth_settings=["BearerToken"], header_params={
            "Content-Type": kind, "Accept": "application/json"})
        response = self._cluster.api.call_api(*request)
        text = response.read()
        if response.status in unless:
            return None
        assert 200 <= response.status < 300, f"{method} {path}: {response.status} {text!r}"
        return json.loads(text)


def workload_body(workload: Workload) -> dict[str, Any]:
    """A Workload that no job stands behind."""
    return {"metadata": {"name": workload.name}, "spec": {
        "queueName": workload.queue, "priority": workload.priority, "active": True, "podSets": [_pod_set(one) for one in workload.pod_sets]}}


def flavor_bodies(case: Case, name: Callable[[str], str]) -> list[dict[str, Any]]:
    """ResourceFlavors of a tree."""
    names = sorted({flavor for queue in case.setting.queues.values() for group in queue.groups for flavor in group.flavors}
                   | {key.flavor for cohort in case.setting.cohorts.values() for key in cohort.quotas})
    return [{"metadata": {"name": name(flavor)}, "spec": {"nodeLabels": {FLAVOR: flavor}}} for flavor in names]


def cohort_bodies(case: Case, name: Callable[[str], str]) -> list[dict[str, Any]]:
    """Cohorts of a tree."""
    made = []
    for cohort in case.setting.cohorts.values():
        spec: dict[str, Any] = {"parentName": name(cohort.parent)} if cohort.parent else {}
        if cohort.quotas:
            spec["resourceGroups"] = [_group(cohort.quotas, tuple(dict.fromkeys(key.flavor for key in cohort.quotas)), name)]
        spec |= _weighted(cohort.weight)
        made.append({"metadata": {"name": name(cohort.name)}, "spec": spec})
    return made


def queue_body(case: Case, queue: Queue, name: Callable[[str], str]) -> dict[str, Any]:
    """A ClusterQueue that takes workloads of its tree's namespace while that is open."""
    preemption, fungibility = queue.preemption, queue.fungibility
    spec: dict[str, Any] = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name(case.name), GATE: "yes"}},
        "queueingStrategy": queue.strategy,
        "resourceGroups": [_group(queue.quotas.quotas, group.flavors, name) for group in queue.groups],
        "preemption": {"withinClusterQueue": preemption.within_cluster_queue, "reclaimWithinCohort": preemption.reclaim_within_cohort},
        "flavorFungibility": {"whenCanBorrow": fungibility.when_can_borrow, "whenCanPreempt": fungibility.when_can_preempt}}
    if preemption.borrow_within_cohort:
        spec["preemption"]["borrowWithinCohort"] = {"policy": "LowerPriority"}
    if fungibility.preference:
        spec["flavorFungibility"]["preference"] = fungibility.preference
    if queue.quotas.cohort:
        spec["cohortName"] = name(queue.quotas.cohort)
    return {"metadata": {"name": name(queue.name)}, "spec": spec | _weighted(queue.quotas.weight)}


def _weighted(weight: float) -> dict[str, Any]:
    return {} if weight == 1 else {"fairSharing": {"weight": f"{round(weight * 1000)}m"}}


def condition(found: Mapping[str, Any], kind: str) -> str:
    """Status of a condition; empty where it was never set."""
    conditions = (found.get("status") or {}).get("conditions") or []
    return next((str(one["status"]) for one in conditions if one["type"] == kind), "")


def _group(quotas: Quotas, flavors: tuple[str, ...], name: Callable[[str], str]) -> dict[str, Any]:
    covered = sorted({key.resource for key in quotas})
    return {"coveredResources": covered, "flavors": [
        {"name": name(flavor), "resources": [_quota(resource, quotas[key]) for resource in covered
                                             for key in quotas if key == (flavor, resource)]} for flavor in flavors]}


def _quota(resource: str, quota: ResourceQuota) -> dict[str, Any]:
    made = {"name": resource, "nominalQuota": _amount(resource, quota.nominal)}
    if quota.borrowing_limit is not None:
        made["borrowingLimit"] = _amount(resource, quota.borrowing_limit)
    if quota.lending_limit is not None:
        made["lendingLimit"] = _amount(resource, quota.lending_limit)
    return made


def _amount(resource: str, amount: int) -> str:
    """CPU is counted in milli-CPUs."""
    return f"{amount}m" if resource == HOST else str(amount)


def _pod_set(pod_set: PodSet) -> dict[str, Any]:
    requests = {resource: _amount(resource, amount // pod_set.count) for resource, amount in pod_set.requests.items()}
    spec: dict[str, Any] = {"restartPolicy": "Never", "containers": [
        {"name": "main", "image": "none", "resources": {"requests": requests, "limits": requests}}]}
    if pod_set.flavors is not None:
        spec["nodeSelector"] = {FLAVOR: next(iter(pod_set.flavors))}
    return {"name": pod_set.name, "count": pod_set.count, "template": {"spec": spec}}
