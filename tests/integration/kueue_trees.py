"""Quota trees as objects of a real cluster with Kueue, each behind a gate of its own.

A tree's ClusterQueues select one namespace by a label that it only bears while the tree is open. Opening puts everything that
is pending into the queues at one moment (``requeueWorkloadsCohort`` holds Kueue's lock), so that the first scheduling cycle
sees all heads; what is created, or given back, while the tree is closed is parked and waits.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from gpuplane.planning.cohorts.scheduling import Scheduler
from gpuplane.planning.cohorts.workloads import Workload
from tests.integration.cluster import Cluster, wait_for
from tests.integration.cohort_trees import HOST, Case
from tests.integration.kueue_clock import PATIENCE, KueueClock
from tests.integration.kueue_objects import KUEUE, KueueApi, cohort_bodies, condition, flavor_bodies, queue_body, workload_body

Row = tuple[str, str, str, int]
"""Whose, flavor, resource, amount."""


@dataclass(frozen=True)
class State:
    """What one tree has come to.

    Attributes:
        held: what each workload with quota holds.
        evicted: names of those of them that are being evicted.
        borrowed: what each ClusterQueue borrows.
    """

    held: frozenset[Row] = frozenset()
    evicted: frozenset[str] = frozenset()
    borrowed: frozenset[Row] = frozenset()

    @classmethod
    def of_model(cls, scheduler: Scheduler) -> State:
        """What the model has come to."""
        held = frozenset((name, *key, amount) for name, one in scheduler.admitted.items() for key, amount in one.usage.items())
        evicted = frozenset(name for name, one in scheduler.admitted.items() if one.evicted_in is not None)
        usage = scheduler.snapshot().usage
        borrowed = frozenset((name, *key, more) for name, node in scheduler.tree.queues.items() if node.parent is not None
                             for key, quota in node.quotas.items() if (more := usage.of(node, key) - quota.nominal) > 0)
        return cls(held, evicted, borrowed)

    @property
    def holders(self) -> frozenset[str]:
        """Names of the workloads with quota."""
        return frozenset(name for name, *_ in self.held)

    def __str__(self) -> str:
        rows = [f"{name}{' (evicted)' if name in self.evicted else ''}: {amount} {resource} in {flavor}"
                for name, flavor, resource, amount in sorted(self.held)]
        return "; ".join(rows + [f"{name} borrows {amount} {resource} in {flavor}" for name, flavor, resource, amount in sorted(self.borrowed)])


class KueueTrees:
    """Trees on the cluster; every write is done for all trees side by side."""

    def __init__(self, cluster: Cluster, run: str) -> None:
        self._api, self._run = KueueApi(cluster, run), run
        self.clock = KueueClock(self._api, run)

    def create(self, cases: Iterable[Case]) -> None:
        """Namespaces, flavors, cohorts and queues, until Kueue knows them all; every tree is closed."""
        cases, post = list(cases), self._api.post
        self._api.all(post, [("/api/v1/namespaces", {"metadata": {"name": self.name(case.name)}}) for case in cases])
        self._api.all(post, [(f"{KUEUE}/resourceflavors", body) for case in cases for body in flavor_bodies(case, self.name)])
        self._api.all(post, [(f"{KUEUE}/cohorts", body) for case in cases for body in cohort_bodies(case, self.name)])
        self._api.all(post, [(f"{KUEUE}/clusterqueues", queue_body(case, queue, self.name)) for case in cases
                             for queue in case.setting.queues.values()])
        self._api.all(post, [(f"{KUEUE}/namespaces/{self.name(case.name)}/localqueues", {
            "metadata": {"name": queue}, "spec": {"clusterQueue": self.name(queue)}}) for case in cases for queue in case.setting.queues])
        for plural in ("clusterqueues", "localqueues"):
            wait_for(lambda path=f"{KUEUE}/{plural}": all(condition(one, "Active") == "True" for one in self._api.made(path)),
                     f"all {plural} are active", PATIENCE)
        self.clock.start()

    def submit(self, workloads: Mapping[str, tuple[Workload, ...]]) -> None:
        """Create workloads of closed trees, each wave in a later second, until all of them wait for the opening."""
        for wave in sorted({one.created for some in workloads.values() for one in some}):
            made = self._api.all(self._api.post, [(f"{KUEUE}/namespaces/{self.name(tree)}/workloads", workload_body(one))
                                                  for tree, some in workloads.items() for one in some if one.created == wave])
            _pass_second(max(one["metadata"]["creationTimestamp"] for one in made))
        self.clock.cycles(max(map(len, workloads.values())) + 1)

    def name(self, name: str) -> str:
        """Name on the cluster: no two runs share one."""
        return f"{self._run}-{name}"

    def open(self, trees: Iterable[str]) -> None:
        """Let the trees' workloads be admitted."""
        self._api.all(self._api.label, [(self.name(tree), "yes") for tree in trees])
        self.clock.opened()

    def close(self, trees: Iterable[str], pending: int) -> None:
        """Admit nothing more of the trees; return once their queues, of at most so many workloads each, are empty."""
        self._api.all(self._api.label, [(self.name(tree), None) for tree in trees])
        self.clock.closed()
        self.clock.cycles(pending + 1)

    def give_back(self, evicted: Iterable[tuple[str, str]], pending: int) -> None:
        """What a Job's controller does for evicted workloads: their pods are gone, and they give their quota back."""
        self._api.all(self._finish, evicted)
        self.clock.released()
        self.clock.cycles(pending + 1)

    def state(self) -> dict[str, State]:
        """What Kueue has come to, by tree."""
        held: dict[str, set[Row]] = {}
        leaving: dict[str, set[str]] = {}
        borrowed: dict[str, set[Row]] = {}
        for one in self._api.made(f"{KUEUE}/workloads"):
            tree, name = self._own(one["metadata"]["namespace"]), one["metadata"]["name"]
            if condition(one, "QuotaReserved") == "True":
                held.setdefault(tree, set()).update((name, *row) for row in self._usage(one))
                if condition(one, "Evicted") == "True":
                    leaving.setdefault(tree, set()).add(name)
        for one in self._api.made(f"{KUEUE}/clusterqueues"):
            queue = self._own(one["metadata"]["name"])
            borrowed.setdefault(queue.partition("-")[0], set()).update(
                (queue, self._own(flavor["name"]), each["name"], _whole(each["name"], each["borrowed"]))
                for flavor in one["status"].get("flavorsReservation", []) for each in flavor["resources"]
                if parse_quantity(each.get("borrowed", "0")))
        return {tree: State(frozenset(held.get(tree, ())), frozenset(leaving.get(tree, ())), frozenset(borrowed.get(tree, ())))
                for tree in held.keys() | borrowed.keys()}

    def remove(self) -> None:
        """Delete what was made, workloads with their namespaces; nothing is waited for."""
        for one in self._api.made("/api/v1/namespaces"):
            self._api.call("DELETE", f"/api/v1/namespaces/{one['metadata']['name']}")
        for plural in ("clusterqueues", "cohorts", "resourceflavors"):
            self._api.remove(f"{KUEUE}/{plural}")

    def _finish(self, tree: str, name: str) -> None:
        path = f"{KUEUE}/namespaces/{self.name(tree)}/workloads/{name}"
        while True:
            found = self._api.get(path)
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            conditions = [one for one in found["status"]["conditions"] if one["type"] not in ("QuotaReserved", "Admitted", "Requeued")]
            conditions += [{"type": kind, "status": "False", "reason": "Pending", "message": "given back", "lastTransitionTime": now}
                           for kind in ("QuotaReserved", "Admitted")]
            conditions.append({"type": "Requeued", "status": "True", "reason": "Preempted", "message": "", "lastTransitionTime": now})
            found["status"] = {**found["status"], "conditions": conditions}
            found["status"].pop("admission", None)
            if self._api.call("PUT", f"{path}/status", found, unless=(409,)) is not None:
                return

    def _usage(self, workload: dict[str, Any]) -> Iterable[tuple[str, str, int]]:
        totals: dict[tuple[str, str], int] = {}
        for one in workload["status"]["admission"]["podSetAssignments"]:
            for resource, flavor in one.get("flavors", {}).items():
                key = self._own(flavor), resource
                totals[key] = totals.get(key, 0) + _whole(resource, one["resourceUsage"][resource])
        return [(*key, amount) for key, amount in totals.items()]

    def _own(self, name: str) -> str:
        return name.removeprefix(f"{self._run}-")


def _whole(resource: str, quantity: str) -> int:
    return int(parse_quantity(quantity) * (1000 if resource == HOST else 1))


def _pass_second(created: str) -> None:
    """Return in a later second of the API server's clock than that of the timestamp; it is kept to the second."""
    while time.time() < datetime.fromisoformat(created).timestamp() + 1.01:
        time.sleep(0.02)
