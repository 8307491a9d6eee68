"""Quota trees as objects of a real cluster with Kueue, each behind a gate of its own.

A tree's ClusterQueues select one namespace by a label that it only bears while the tree is open. Opening puts everything that
is pending into the queues at one moment (``requeueWorkloadsCohort`` holds Kueue's lock), so that the first scheduling cycle
sees all heads; what is created, or given back, while the tree is closed is parked and waits.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from gpuplane.planning.cohorts.quota_tree import Quotas, ResourceQuota
from gpuplane.planning.cohorts.workloads import PodSet, Queue, Workload
from tests.integration.cluster import Cluster, wait_for
from tests.integration.cohort_trees import HOST, Case

KUEUE = "/apis/kueue.x-k8s.io/v1beta2"
FLAVOR, GATE = "judge.gpuplane.dev/flavor", "judge.gpuplane.dev/open"
QUIET = 1.5
"""Seconds without any change of a workload after which a closed tree has nothing left in its queues."""
GIVEN_BACK = 1.3
"""Seconds until quota that was given back has had its one requeueing (``requeueBatchPeriod``: 1 s)."""
THREADS = 8


@dataclass(frozen=True)
class State:
    """Names of the workloads of one tree that hold quota, and of those that are being evicted."""

    held: frozenset[str] = frozenset()
    evicted: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return " ".join(f"{name}{'(evicted)' if name in self.evicted else ''}" for name in sorted(self.held)) or "nothing"


class KueueTrees:
    """Trees on the cluster; every write is done for all trees side by side."""

    def __init__(self, cluster: Cluster, run: str) -> None:
        self._cluster, self._run = cluster, run
        self._pool = ThreadPoolExecutor(THREADS)

    def create(self, cases: Iterable[Case]) -> None:
        """Namespaces, flavors, cohorts and queues, until every queue is active."""
        cases = list(cases)
        self._all([(self._post, "/api/v1/namespaces", {"metadata": {"name": self.name(case.name)}}) for case in cases])
        self._all([(self._post, f"{KUEUE}/resourceflavors", body) for case in cases for body in self._flavors(case)])
        self._all([(self._post, f"{KUEUE}/cohorts", body) for case in cases for body in self._cohorts(case)])
        self._all([(self._post, f"{KUEUE}/clusterqueues", self._queue(case, queue)) for case in cases for queue in case.setting.queues.values()])
        self._all([(self._post, f"{KUEUE}/namespaces/{self.name(case.name)}/localqueues", {
            "metadata": {"name": queue}, "spec": {"clusterQueue": self.name(queue)}}) for case in cases for queue in case.setting.queues])
        wait_for(lambda: all(_is(one, "Active") for one in self._queues()), "every ClusterQueue is active", 60)
        wait_for(lambda: all(_is(one, "Active") for one in self._get(f"{KUEUE}/localqueues")["items"]
                             if one["metadata"]["namespace"].startswith(self._run)), "every LocalQueue is active", 60)

    def submit(self, workloads: Mapping[str, tuple[Workload, ...]]) -> dict[str, str]:
        """Create the workloads while their trees are closed, each wave in a later second; their UIDs by name, once all are parked."""
        uids = {}
        for wave in sorted({one.created for some in workloads.values() for one in some}):
            made = self._all([(self._post, f"{KUEUE}/namespaces/{self.name(tree)}/workloads", self._workload(one))
                              for tree, some in workloads.items() for one in some if one.created == wave])
            uids |= {one["metadata"]["name"]: one["metadata"]["uid"] for one in made}
            time.sleep(1.01 - time.time() % 1)
        wait_for(lambda: all(_condition(one, "QuotaReserved") for one in self.workloads()), "every new workload was looked at", 60)
        self.rest()
        return uids

    def name(self, name: str) -> str:
        """Name on the cluster: no two runs share one."""
        return f"{self._run}-{name}"

    def open(self, trees: Iterable[str]) -> None:
        """Let the trees' workloads be admitted."""
        self._label(trees, "yes")

    def close(self, trees: Iterable[str]) -> None:
        """Admit nothing more of the trees; return once their queues are empty."""
        self._label(trees, None)
        self.rest()

    def rest(self) -> None:
        """Return once no workload of this run has changed for a while."""
        end, since, before = time.monotonic() + 120, time.monotonic(), None
        while time.monotonic() - since < QUIET and time.monotonic() < end:
            now = [(one["metadata"]["uid"], one["metadata"]["resourceVersion"]) for one in self.workloads()]
            if now != before:
                before, since = now, time.monotonic()
            time.sleep(0.25)

    def give_back(self, evicted: Iterable[tuple[str, str]]) -> None:
        """What a Job's controller does for an evicted workload: its pods are gone, and it gives its quota back."""
        calls = [(self._finish, tree, name) for tree, name in evicted]
        if calls:
            self._all(calls)
            time.sleep(GIVEN_BACK)

    def workloads(self) -> list[dict[str, Any]]:
        """All workloads of this run."""
        return [one for one in self._get(f"{KUEUE}/workloads")["items"] if one["metadata"]["namespace"].startswith(self._run)]

    def state(self) -> dict[str, State]:
        """By tree: the workloads that hold quota, and those of them that are being evicted."""
        held: dict[str, set[str]] = {}
        leaving: dict[str, set[str]] = {}
        for one in self.workloads():
            tree = one["metadata"]["namespace"].removeprefix(f"{self._run}-")
            if _is(one, "QuotaReserved"):
                held.setdefault(tree, set()).add(one["metadata"]["name"])
                if _is(one, "Evicted"):
                    leaving.setdefault(tree, set()).add(one["metadata"]["name"])
        return {tree: State(frozenset(names), frozenset(leaving.get(tree, ()))) for tree, names in held.items()}

    def remove(self) -> None:
        """Delete what was made; nothing is waited for."""
        made = self.workloads()
        self._all([(self._call, "DELETE", f"{KUEUE}/namespaces/{one['metadata']['namespace']}/workloads/{one['metadata']['name']}")
                   for one in made])
        for plural in ("clusterqueues", "cohorts", "resourceflavors"):
            names = [one["metadata"]["name"] for one in self._get(f"{KUEUE}/{plural}")["items"]]
            self._all([(self._call, "DELETE", f"{KUEUE}/{plural}/{name}") for name in names if name.startswith(f"{self._run}-")])
        self._all([(self._call, "DELETE", f"/api/v1/namespaces/{name}") for name in sorted({one["metadata"]["namespace"] for one in made})])

    def _finish(self, tree: str, name: str) -> Any:
        path = f"{KUEUE}/namespaces/{self.name(tree)}/workloads/{name}"
        found = self._get(path)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        conditions = [one for one in found["status"]["conditions"] if one["type"] not in ("QuotaReserved", "Admitted")]
        conditions += [{"type": kind, "status": "False", "reason": "Pending", "message": "given back", "lastTransitionTime": now}
                       for kind in ("QuotaReserved", "Admitted")]
        conditions.append({"type": "Requeued", "status": "True", "reason": "Preempted", "message": "", "lastTransitionTime": now})
        found["status"] = {**found["status"], "conditions": conditions}
        found["status"].pop("admission", None)
        return self._call("PUT", f"{path}/status", found)

    def _label(self, trees: Iterable[str], value: str | None) -> None:
        self._all([(self._call, "PATCH", f"/api/v1/namespaces/{self.name(tree)}", {"metadata": {"labels": {GATE: value}}}) for tree in trees])

    def _flavors(self, case: Case) -> list[dict[str, Any]]:
        names = sorted({flavor for queue in case.setting.queues.values() for group in queue.groups for flavor in group.flavors}
                       | {key.flavor for cohort in case.setting.cohorts.values() for key in cohort.quotas})
        return [{"metadata": {"name": self.name(name)}, "spec": {"nodeLabels": {FLAVOR: name}}} for name in names]

    def _cohorts(self, case: Case) -> list[dict[str, Any]]:
        made = []
        for cohort in case.setting.cohorts.values():
            spec: dict[str, Any] = {"parentName": self.name(cohort.parent)} if cohort.parent else {}
            if cohort.quotas:
                spec["resourceGroups"] = [self._group(cohort.quotas, tuple(dict.fromkeys(key.flavor for key in cohort.quotas)))]
            made.append({"metadata": {"name": self.name(cohort.name)}, "spec": spec})
        return made

    def _queue(self, case: Case, queue: Queue) -> dict[str, Any]:
        preemption, fungibility = queue.preemption, queue.fungibility
        spec: dict[str, Any] = {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.name(case.name), GATE: "yes"}},
            "queueingStrategy": queue.strategy,
            "resourceGroups": [self._group(queue.quotas.quotas, group.flavors) for group in queue.groups],
            "preemption": {"withinClusterQueue": preemption.within_cluster_queue, "reclaimWithinCohort": preemption.reclaim_within_cohort},
            "flavorFungibility": {"whenCanBorrow": fungibility.when_can_borrow, "whenCanPreempt": fungibility.when_can_preempt}}
        if preemption.borrow_within_cohort:
            spec["preemption"]["borrowWithinCohort"] = {"policy": "LowerPriority"}
        if fungibility.preference:
            spec["flavorFungibility"]["preference"] = fungibility.preference
        if queue.quotas.cohort:
            spec["cohortName"] = self.name(queue.quotas.cohort)
        return {"metadata": {"name": self.name(queue.name)}, "spec": spec}

    def _group(self, quotas: Quotas, flavors: tuple[str, ...]) -> dict[str, Any]:
        covered = sorted({key.resource for key in quotas})
        return {"coveredResources": covered, "flavors": [
            {"name": self.name(flavor), "resources": [_quota(resource, quotas[key]) for resource in covered
                                                      for key in quotas if key == (flavor, resource)]} for flavor in flavors]}

    @staticmethod
    def _workload(workload: Workload) -> dict[str, Any]:
        return {"metadata": {"name": workload.name}, "spec": {
            "queueName": workload.queue, "priority": workload.priority, "active": True,
            "podSets": [_pod_set(one) for one in workload.pod_sets]}}

    def _queues(self) -> list[dict[str, Any]]:
        return [one for one in self._get(f"{KUEUE}/clusterqueues")["items"] if one["metadata"]["name"].startswith(self._run)]

    def _all(self, calls: list[tuple[Any, ...]]) -> list[Any]:
        return list(self._pool.map(lambda call: call[0](*call[1:]), calls))

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        kind = {"resourceflavors": "ResourceFlavor", "cohorts": "Cohort", "clusterqueues": "ClusterQueue", "localqueues": "LocalQueue",
                "workloads": "Workload", "namespaces": "Namespace"}[path.rpartition("/")[2]]
        version = "v1" if kind == "Namespace" else KUEUE.removeprefix("/apis/")
        return self._call("POST", path, {"apiVersion": version, "kind": kind, **body})

    def _get(self, path: str) -> Any:
        return self._call("GET", path)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        request = self._cluster.api.param_serialize(method, path, body=body, auth_settings=["BearerToken"], header_params={
            "Content-Type": kind, "Accept": "application/json"})
        response = self._cluster.api.call_api(*request)
        text = response.read()
        assert 200 <= response.status < 300, f"{method} {path}: {response.status} {text!r}"
        return json.loads(text)


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


def _condition(found: Mapping[str, Any], kind: str) -> str:
    """Status of a condition; empty where it was never set."""
    conditions = (found.get("status") or {}).get("conditions") or []
    return next((str(one["status"]) for one in conditions if one["type"] == kind), "")


def _is(found: Mapping[str, Any], condition: str) -> bool:
    return _condition(found, condition) == "True"
