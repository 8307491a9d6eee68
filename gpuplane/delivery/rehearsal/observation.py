"""What happens on the cluster, as watches tell it: pods and Kueue's workloads, and the state of every service at any time."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.rehearsal.api_server import ApiServer, Kind, Refused
from gpuplane.delivery.rehearsal.model_pods import service_of

GATE = "kueue.x-k8s.io/admission"
"""Scheduling gate of a pod that waits for quota (Kueue's pod integration)."""
_WATCH_SECONDS = 300
_GONE = 410


@dataclass(frozen=True)
class PodSeen:
    """A pod as far as a rehearsal looks at it.

    Attributes:
        service: ``tenant/service``; a canary is one of its own, ``tenant/SERVICE-CANARY``, as the plan has it.
        admitted: it waits for no quota. ready: its fake kubelet says so. node: empty where it has none.
        template: hash of the template it was made from.
        leaving: it is being deleted.
    """

    uid: str
    service: str
    admitted: bool
    ready: bool
    node: str
    template: str
    leaving: bool


@dataclass(frozen=True)
class DeploymentSeen:
    """A Deployment as far as a rehearsal looks at it.

    Attributes:
        name: its own.
        replicas: that are asked for.
        rolled_out: whether all of them are of the newest template and available, and no others are there.
        observed: whether its controller has looked at its newest spec; ``generation`` is that spec's.
    """

    name: str
    replicas: int
    rolled_out: bool
    observed: bool
    generation: int


@dataclass(frozen=True)
class Moment:
    """Replicas of one service from this moment on.

    Attributes:
        at_seconds: since the rehearsal began.
        ready, admitted, pending: run; hold quota (ready or not); wait for quota.
    """

    at_seconds: float
    service: str
    ready: int
    admitted: int
    pending: int


@dataclass(frozen=True)
class Eviction:
    """Kueue took quota away from a workload: when, of which service, and why in its own word."""

    at_seconds: float
    service: str
    reason: str


@dataclass
class Observation:
    """Everything seen so far, by threads that watch; reads are safe from any thread.

    Args:
        server: the cluster.
        tenants: namespaces that matter.
    """

    server: ApiServer
    tenants: frozenset[str]
    moments: list[Moment] = field(default_factory=list)
    evictions: list[Eviction] = field(default_factory=list)
    failure: str = ""
    _pods: dict[str, PodSeen] = field(default_factory=dict)
    _services: dict[str, str] = field(default_factory=dict)
    _deployments: dict[str, DeploymentSeen] = field(default_factory=dict)
    _evicted: set[tuple[str, str]] = field(default_factory=set)
    _began: float = field(default_factory=time.monotonic)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stopped: bool = False
    _last_change: float = field(default_factory=time.monotonic)

    def start(self) -> None:
        """Begin to watch."""
        kinds = self.server.kinds
        self._watch(kinds["v1", "Pod"], self._pod)
        self._watch(kinds["apps/v1", "Deployment"], self._deployment)
        workload = kinds.get(("kueue.x-k8s.io/v1beta2", "Workload"))
        if workload is not None:
            self._watch(workload, self._workload)

    def stop(self) -> None:
        """Let the watches end; they are daemons and keep nobody waiting."""
        self._stopped = True

    @property
    def now(self) -> float:
        """Seconds since the rehearsal began."""
        return time.monotonic() - self._began

    def pods(self, service: str = "") -> list[PodSeen]:
        """Pods that are there and not leaving, of all services or one."""
        with self._changed:
            return [pod for pod in self._pods.values() if not pod.leaving and service in ("", pod.service)]

    def leaving(self) -> int:
        """Pods on their way out."""
        with self._changed:
            return sum(pod.leaving for pod in self._pods.values())

    def admitted(self) -> Counter[str]:
        """Pods that hold quota, by service."""
        return Counter(pod.service for pod in self.pods() if pod.admitted)

    def ready(self) -> Counter[str]:
        """Pods that run, by service."""
        return Counter(pod.service for pod in self.pods() if pod.ready)

    def preempted(self, since: float) -> Counter[str]:
        """Workloads that lost quota to others since a moment, by service."""
        with self._changed:
            return Counter(each.service for each in self.evictions if each.at_seconds >= since and each.reason == "Preempted")

    @property
    def last_moment(self) -> float:
        """When the number of anybody's replicas changed last, in seconds since the rehearsal began."""
        with self._changed:
            return self.moments[-1].at_seconds if self.moments else 0.0

    def last_of(self, service: str) -> float:
        """When the number of a service's replicas changed last."""
        with self._changed:
            return next((each.at_seconds for each in reversed(self.moments) if each.service == service), 0.0)

    def whole_at(self, service: str, count: int, since: float) -> float | None:
        """When a service had so many ready replicas, and kept them, having had fewer since a moment; None where it never lacked any."""
        with self._changed:
            own = [each for each in self.moments if each.service == service and each.at_seconds >= since]
        lacking = [index for index, each in enumerate(own) if each.ready < count]
        return own[lacking[-1] + 1].at_seconds if lacking and lacking[-1] + 1 < len(own) else None

    def deployment(self, service: str) -> DeploymentSeen | None:
        """The Deployment that KServe made for a service."""
        with self._changed:
            return self._deployments.get(service)

    def wait(self, holds: Callable[[], bool], seconds: float, quiet_seconds: float = 0.0, stale_seconds: float = math.inf) -> bool:
        """Wait for events until something holds and nothing has changed for a while; whether it did in time.

        Args:
            quiet_seconds: how long nothing may have changed.
            stale_seconds: after how long without any change there is nothing to wait for, counted from now at the earliest.
        """
        began = time.monotonic()
        end = began + seconds
        while True:
            with self._changed:
                if self.failure:
                    raise EngineFailed(self.failure)
                quiet = time.monotonic() - self._last_change
            if holds() and quiet >= quiet_seconds:
                return True
            left = min(end, max(began, self._last_change) + stale_seconds) - time.monotonic()
            if left <= 0:
                return holds()
            with self._changed:
                self._changed.wait(min(left, max(0.05, quiet_seconds - quiet), 1.0))

    def _watch(self, kind: Kind, seen: Callable[[str, Mapping[str, Any]], None]) -> None:
        threading.Thread(target=self._follow, args=(kind, seen), name=f"watch {kind.plural}", daemon=True).start()

    def _follow(self, kind: Kind, seen: Callable[[str, Mapping[str, Any]], None]) -> None:
        version = ""
        while not self._stopped:
            try:
                if not version:
                    self._forget(kind)
                for kind_of_event, body in self._stream(kind, version):
                    if kind_of_event == "ERROR":
                        version = ""
                        break
                    version = body["metadata"]["resourceVersion"]
                    self._tell(seen, kind_of_event, body)
            except Refused as error:
                if error.status != _GONE:
                    self._fail(f"watching {kind.plural}: {error}")
                    return
                version = ""
            except Exception as error:  # the server went away, or the stream broke off
                self._fail(f"watching {kind.plural}: {type(error).__name__}")
                return

    def _stream(self, kind: Kind, version: str) -> Iterator[tuple[str, dict[str, Any]]]:
        query = [("allowWatchBookmarks", "true"), *([("resourceVersion", version)] if version else [])]
        for line in self.server.lines(kind.path(), query, _WATCH_SECONDS):
            yield line["type"], line["object"]

    def _forget(self, kind: Kind) -> None:
        """A watch that begins anew is told of everything that is there, and of nothing that has gone meanwhile."""
        with self._changed:
            if kind.kind == "Pod":
                self._pods.clear()
            if kind.kind == "Deployment":
                self._deployments.clear()

    def _fail(self, why: str) -> None:
        with self._changed:
            self.failure = "" if self._stopped else why
            self._changed.notify_all()

    def _tell(self, seen: Callable[[str, Mapping[str, Any]], None], kind_of_event: str, body: Mapping[str, Any]) -> None:
        if kind_of_event == "BOOKMARK" or body["metadata"].get("namespace") not in self.tenants:
            return
        with self._changed:
            seen(kind_of_event, body)
            self._last_change = time.monotonic()
            self._changed.notify_all()

    def _pod(self, kind_of_event: str, body: Mapping[str, Any]) -> None:
        pod = pod_seen(body)
        if pod is None:
            return
        self._services[pod.uid] = pod.service
        if kind_of_event == "DELETED" or (body.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
            self._pods.pop(pod.uid, None)
        else:
            self._pods[pod.uid] = pod
        own = [one for one in self._pods.values() if one.service == pod.service and not one.leaving]
        moment = Moment(round(self.now, 2), pod.service, sum(one.ready for one in own), sum(one.admitted for one in own),
                        sum(not one.admitted for one in own))
        self.moments.append(moment)

    def _deployment(self, kind_of_event: str, body: Mapping[str, Any]) -> None:
        service = service_of(body["metadata"]["namespace"], body["spec"]["template"]["metadata"].get("labels") or {})
        if service is None:
            return
        if kind_of_event == "DELETED":
            self._deployments.pop(service, None)
        else:
            self._deployments[service] = deployment_seen(body)

    def _workload(self, _kind_of_event: str, body: Mapping[str, Any]) -> None:
        owners = [each["uid"] for each in body["metadata"].get("ownerReferences") or ()]
        uid, service = body["metadata"]["uid"], next((self._services[each] for each in owners if each in self._services), "")
        for condition in (body.get("status") or {}).get("conditions") or ():
            key = (uid, condition.get("lastTransitionTime", ""))
            if condition["type"] == "Evicted" and condition["status"] == "True" and key not in self._evicted and service:
                self._evicted.add(key)
                self.evictions.append(Eviction(round(self.now, 2), service, condition.get("reason", "")))


def pod_seen(body: Mapping[str, Any]) -> PodSeen | None:
    """What a pod is; None where it is of no model."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    labels = metadata.get("labels") or {}
    service = service_of(metadata["namespace"], labels)
    if service is None:
        return None
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ())
    gated = any(gate["name"] == GATE for gate in spec.get("schedulingGates") or ())
    return PodSeen(metadata["uid"], service, not gated, ready, str(spec.get("nodeName") or ""),
                   str(labels.get("pod-template-hash", "")), bool(metadata.get("deletionTimestamp")))


def deployment_seen(body: Mapping[str, Any]) -> DeploymentSeen:
    """What a Deployment is, as its controller last saw it."""
    wanted, status, generation = body["spec"].get("replicas", 1), body.get("status") or {}, body["metadata"]["generation"]
    observed = status.get("observedGeneration", 0) >= generation
    done = observed and all(
        status.get(key, 0) == wanted for key in ("replicas", "updatedReplicas", "availableReplicas"))
    return DeploymentSeen(body["metadata"]["name"], wanted, done, observed, generation)

