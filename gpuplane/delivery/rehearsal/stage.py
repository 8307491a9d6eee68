"""One rehearsal under way: the cluster, the plan, what is seen, and the steps that scenarios are made of."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.pull_request.restarts import SERVING
from gpuplane.delivery.rehearsal.api_server import ApiServer, Body
from gpuplane.delivery.rehearsal.claim import Claim
from gpuplane.delivery.rehearsal.fake_nodes import POOL, ZONE, lost, nodes_of_pool, running_nodes
from gpuplane.delivery.rehearsal.marks import marked
from gpuplane.delivery.rehearsal.model_pods import released
from gpuplane.delivery.rehearsal.observation import Observation
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning.cohorts.admission import NotKnown
from gpuplane.planning.cohorts.course import Courses, Level
from gpuplane.planning.cohorts.rolling import Strategy
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec

STEP_SECONDS = 60.0
"""Longest that one step waits for what the plan says."""
QUIET_SECONDS = 2.5
"""How long nothing may change until a state counts as settled: Kueue looks again at what waits about once a second."""

SHORT_QUIET_SECONDS = 1.5
"""The same of a short rehearsal."""
STALE_SECONDS = 12.0
"""How long nothing may change until a state counts as settled that is not what the plan says."""

Replicas = Mapping[str, int]


@dataclass(frozen=True)
class Step:
    """What a scenario did, on the rehearsal's clock."""

    scenario: str
    title: str
    began_seconds: float
    ended_seconds: float


class OutOfTime(EngineFailed):
    """The rehearsal's own limit has passed."""


@dataclass
class Stage:
    """One rehearsal.

    Attributes:
        spec: the environment, canaries as services of their own; ``wish``: as it was written.
        releases: number of the rehearsed release that a service has; that of the documents is 0.
        views: what was applied.
        seen: what happens.
        acts: which controllers do, by name.
        replicas: that there are to be now.
        limit_at: when to give up, on the monotonic clock.
        quiet_seconds: see :data:`QUIET_SECONDS`.
    """

    server: ApiServer
    spec: EnvironmentSpec
    planned: EnvironmentPlan
    views: Sequence[ResourceView]
    seen: Observation
    progress: Callable[[str], None]
    limit_at: float
    wish: EnvironmentSpec
    short: bool = False
    releases: dict[str, int] = field(default_factory=dict)
    acts: dict[str, bool] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    replicas: Replicas = field(default_factory=dict)
    nodes: dict[str, Body] = field(default_factory=dict)

    @property
    def has_kueue(self) -> bool:
        """Whether Kueue acts."""
        return self.acts.get("Kueue", False)

    @property
    def run(self) -> str:
        """Value of the label of everything that is made."""
        return self.spec.name

    @cached_property
    def services(self) -> tuple[str, ...]:
        """Services whose pods can be seen here: those that KServe makes Deployments for."""
        made = {(view.namespace, view.name) for view in self.views if view.kind in SERVING}
        canaries = {f"{view.namespace}/{view.name}-{one['predictor']['name']}" for view in self.views if view.kind == "InferenceService"
                    for one in view.get("spec", "canary") or ()}
        return tuple(name for name, entry in self.spec.services.items() if (entry.tenant, entry.object_name) in made or name in canaries)

    @cached_property
    def courses(self) -> Courses:
        """The plan's model of Kueue, which takes every step as the cluster does: what comes next depends on what was."""
        return Courses(self.spec, self.planned)

    @cached_property
    def minimum(self) -> Replicas:
        """Replicas that always run."""
        return {name: self.spec.services[name].document.spec.scaling.min_replicas for name in self.services}

    @cached_property
    def maximum(self) -> Replicas:
        """Replicas at most, without the surge of a rollout."""
        return {name: self.spec.services[name].document.spec.scaling.max_replicas for name in self.services}

    def left_seconds(self) -> float:
        """Time left of the limit, at most that of a step.

        Raises:
            OutOfTime: none is.
        """
        left = self.limit_at - time.monotonic()
        if left <= 0:
            raise OutOfTime("the time limit has passed; what was seen until then is not a whole rehearsal. Raise --limit.")
        return min(STEP_SECONDS, left)

    def add_nodes(self, at_maximum: bool) -> None:
        """Nodes as an autoscaler would start them: those of the minimum, or all that there can be."""
        for pool in sorted(self.planned.pools):
            wanted = nodes_of_pool(self.spec, self.planned, pool, self.run)
            for body in wanted if at_maximum else wanted[:running_nodes(self.planned, pool)]:
                if body["metadata"]["name"] not in self.nodes:
                    self.server.call("POST", self.server.kinds["v1", "Node"].path(), body)
                    self.nodes[body["metadata"]["name"]] = body

    def lose(self, names: Iterable[str], is_lost: bool = True) -> None:
        """Lose nodes, or bring them back."""
        for name in names:
            patch = lost(self.nodes[name]["spec"]["taints"], is_lost)
            self.server.merge(self.server.kinds["v1", "Node"].path(name=name), patch)

    def pool_nodes(self, pool: str) -> dict[str, str]:
        """Zone of each node of a pool by its name."""
        return {name: body["metadata"]["labels"].get(ZONE, "") for name, body in self.nodes.items()
                if body["metadata"]["labels"][POOL] == pool}

    def wait_for_deployments(self) -> bool:
        """Whether KServe has made a Deployment for every service, but for those that it is known not to look after."""
        awaited = [name for name in self.services if self.spec.services[name].document.kind not in self.server.unattended]
        return self.settle(lambda: all(self.seen.deployment(name) for name in awaited), quiet=False)

    def scale(self, replicas: Replicas) -> Level | NotKnown:
        """Scale as the autoscalers would, and say what the plan's model of Kueue expects of it."""
        self.replicas = {**self.replicas, **replicas}
        for name, count in replicas.items():
            self.scale_to(name, count)
        return self.courses.to(self.replicas)

    def scale_to(self, service: str, count: int) -> None:
        """Scale one Deployment, as its autoscaler would."""
        found = self.seen.deployment(service)
        assert found is not None, service
        path = self.server.kinds["apps/v1", "Deployment"].path(service.partition("/")[0], found.name, "scale")
        self.server.merge(path, {"spec": {"replicas": count}})

    @cached_property
    def awake(self) -> Replicas:
        """Replicas of a quiet day: the minimum, and one of what may be down to none."""
        return {name: min(max(1, count), self.maximum[name]) for name, count in self.minimum.items()}

    def leave(self, tenant: str) -> None:
        """Nothing more is expected of a tenant that has left."""
        self.services = tuple(name for name in self.services if not name.startswith(f"{tenant}/"))

    def settle(self, as_planned: Callable[[], bool], seconds: float | None = None, quiet: bool = True) -> bool:
        """Wait until what the plan says is so and stays so; whether it is.

        Args:
            quiet: whether nothing else may move either.

        Raises:
            OutOfTime: it is not so yet, and the limit has passed: that is no disagreement.
        """
        limit = self.left_seconds()
        still = (QUIET_SECONDS if not self.short else SHORT_QUIET_SECONDS) if quiet else 0.0
        is_so = self.seen.wait(as_planned, min(limit, seconds) if seconds is not None else limit, still, STALE_SECONDS)
        if not is_so:
            self.left_seconds()
        return is_so

    def expect(self, replicas: Replicas) -> None:
        """Have the plan's model take a step that the cluster takes by other ways than by scaling."""
        self.replicas = {**self.replicas, **replicas}
        self.courses.to(self.replicas)

    def service_view(self, service: str) -> ResourceView | None:
        """The object that serves a service; None of a canary that is part of another's."""
        entry = self.spec.services[service]
        return next((view for view in self.views
                     if view.kind in SERVING and (view.namespace, view.name) == (entry.tenant, entry.object_name)), None)

    def is_reconciled(self, service: str) -> bool:
        """Whether KServe and the Deployment controller have looked at the newest spec of a service."""
        view, deployment = self.service_view(service), self.seen.deployment(service)
        if view is None or deployment is None:
            return deployment is not None
        found = self.server.get(self.server.kinds[view.api_version, view.kind], view.name, view.namespace) or {}
        generation = (found.get("metadata") or {}).get("generation", 0)
        return deployment.observed and bool((found.get("status") or {}).get("observedGeneration", generation) >= generation)

    def strategy(self, service: str) -> Strategy:
        """How its rendered object says that it is updated; an LLMInferenceService cannot say it."""
        view = self.service_view(service)
        if view is None or view.kind != "InferenceService":
            rollout = self.spec.services[service].document.spec.rollout
            return Strategy(rollout.max_surge, rollout.max_unavailable)
        rolling = view.get("spec", "predictor", "deploymentStrategy", "rollingUpdate") or {}
        return Strategy(int(rolling.get("maxSurge", 0)), int(rolling.get("maxUnavailable", 0)))

    def release(self, service: str, number: int) -> None:
        """Give a service another release, which changes its pod template and nothing else; 0 is that of the documents."""
        view = self.service_view(service)
        assert view is not None, service
        self.releases[service] = number
        path = self.server.kinds[view.api_version, view.kind].path(view.namespace, view.name)
        self.server.merge(path, {"spec": released(view, number, prefill=bool(self.spec.services[service].role))})

    def counted(self, replicas: Replicas) -> bool:
        """Whether there are as many pods as asked for, and none on its way out."""
        pods = Counter(pod.service for pod in self.seen.pods())
        return not self.seen.leaving() and all(pods[name] == count for name, count in replicas.items())

    def apply(self, body: Body) -> None:
        """Apply an object with the rehearsal's label."""
        self.server.apply(marked(body, self.run))

    def step(self, scenario: str, title: str) -> _Timed:
        """Note what is done, and from when to when."""
        self.progress(f"{scenario}: {title}")
        return _Timed(self, scenario, title)


class _Timed:
    def __init__(self, stage: Stage, scenario: str, title: str) -> None:
        self._stage, self._scenario, self._title, self._began = stage, scenario, title, stage.seen.now

    def __enter__(self) -> float:
        return self._began

    def __exit__(self, *_: Any) -> None:
        self._stage.steps.append(Step(self._scenario, self._title, round(self._began, 2), round(self._stage.seen.now, 2)))


Scenario = Callable[[Stage], Iterator[Claim]]
