"""How far Kueue has come, seen from what it does to workloads of the clock's own: nothing is timed, so that load changes nothing.

Kueue hears of the workloads one after another, and of the namespaces; what it has done for the last of them it has done for all before.
"""

from __future__ import annotations

import itertools

from gpuplane.planning.cohorts.workloads import PodSet, Workload
from tests.integration.cluster import wait_for
from tests.integration.cohort_trees import GPU
from tests.integration.kueue_objects import GATE, KUEUE, KueueApi, condition, workload_body

PATIENCE = 300
"""Seconds that a busy machine may take for one thing; only a broken one takes them."""
PLENTY = 1_000_000


class KueueClock:
    """Three queues in a namespace: ``cycles`` counts scheduling cycles, ``gate`` opens and closes, ``release`` gives quota back."""

    def __init__(self, api: KueueApi, run: str) -> None:
        self._api, self._run, self.namespace = api, run, f"{run}-clock"
        self._numbers = itertools.count()
        self._probe, self._holder, self._waiter = "", "", ""

    def start(self) -> None:
        """Make the queues. The first cycle borrows from the last Cohort made: when it is over, Kueue knows all Cohorts before."""
        own = {"kubernetes.io/metadata.name": self.namespace}
        self._api.post("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        self._api.post(f"{KUEUE}/resourceflavors", {"metadata": {"name": self.namespace}})
        self._api.post(f"{KUEUE}/cohorts", {"metadata": {"name": self.namespace}, "spec": {"resourceGroups": [self._group(PLENTY)]}})
        self._queue("cycles", 0, own, self.namespace)
        self._queue("gate", PLENTY, {**own, GATE: "yes"})
        self._queue("release", 1, own)
        self.cycles(1)
        self._holder = self._submit("release")
        self._await(self._holder, "True")
        self._waiter = self._submit("release")
        self._await(self._waiter, "False")
        self._park_probe()

    def cycles(self, count: int) -> None:
        """Return once so many scheduling cycles have begun after this call: a queue gives one workload to each cycle."""
        names = set(self._api.all(self._submit, [("cycles",)] * count))
        wait_for(lambda: names <= {one["metadata"]["name"] for one in self._workloads() if condition(one, "QuotaReserved") == "True"},
                 f"{count} scheduling cycles", PATIENCE)
        self._api.all(self._delete, [(name,) for name in names])

    def opened(self) -> None:
        """Return once all namespaces that were opened before this call are open to Kueue, and their workloads queue again."""
        self._api.label(self.namespace, "yes")
        self._await(self._probe, "True")

    def closed(self) -> None:
        """Return once all namespaces that were closed before this call are closed to Kueue."""
        self._api.label(self.namespace, None)
        self._park_probe()

    def released(self) -> None:
        """Return once what was given back before this call has had the requeueing that follows (``requeueBatchPeriod``)."""
        self._delete(self._holder)
        self._await(self._waiter, "True")
        self._holder, self._waiter = self._waiter, self._submit("release")
        self._await(self._waiter, "False")

    def _park_probe(self) -> None:
        """A workload that finds the gate closed, and waits for its opening."""
        while True:
            self._probe = self._submit("gate")
            wait_for(lambda: self._reserved(self._probe) != "", "a probe of the gate", PATIENCE)
            if self._reserved(self._probe) == "False":
                return

    def _await(self, name: str, status: str) -> None:
        wait_for(lambda: self._reserved(name) == status, f"QuotaReserved of {name} is {status}", PATIENCE)

    def _reserved(self, name: str) -> str:
        return condition(self._api.get(f"{KUEUE}/namespaces/{self.namespace}/workloads/{name}"), "QuotaReserved")

    def _workloads(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self._api.get(f"{KUEUE}/namespaces/{self.namespace}/workloads")["items"]
        return found

    def _submit(self, queue: str) -> str:
        name = f"{queue}-{next(self._numbers)}"
        self._api.post(f"{KUEUE}/namespaces/{self.namespace}/workloads", workload_body(Workload(name, queue, (PodSet({GPU: 1}),))))
        return name

    def _delete(self, name: str) -> None:
        self._api.call("DELETE", f"{KUEUE}/namespaces/{self.namespace}/workloads/{name}")

    def _queue(self, name: str, nominal: int, labels: dict[str, str], cohort: str = "") -> None:
        spec = {"namespaceSelector": {"matchLabels": labels}, "resourceGroups": [self._group(nominal)]}
        path = f"{KUEUE}/namespaces/{self.namespace}/localqueues"
        self._api.post(f"{KUEUE}/clusterqueues", {"metadata": {"name": f"{self._run}-{name}"}, "spec": spec | (
            {"cohortName": cohort} if cohort else {})})
        self._api.post(path, {"metadata": {"name": name}, "spec": {"clusterQueue": f"{self._run}-{name}"}})

    def _group(self, nominal: int) -> dict[str, object]:
        return {"coveredResources": [GPU], "flavors": [{"name": self.namespace, "resources": [{"name": GPU, "nominalQuota": str(nominal)}]}]}
