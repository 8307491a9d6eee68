"""One side of a preview, rendered and judged by several processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cached_property

from gpuplane.delivery.kept_findings import KeptFindings, TenantFindings
from gpuplane.delivery.shared_judging import fitting
from gpuplane.delivery.source_map import SourceMap
from gpuplane.delivery.tenant_renders import TenantRenders, Views
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.policies.finding import Finding
from gpuplane.policies.registry import all_rules, one_by_one
from gpuplane.policies.rule import Rule
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

Progress = Callable[[str], None]
_OBJECT = 12_000
"""Bytes of memory that a resource takes, about."""


class JudgedSide:
    """This side, rendered and judged; each process that has none yet makes its own when it is first asked.

    A fork that touches what this process has read copies it page by page, which takes longer than to read it again. So where nearly all
    tenants are on disk, children begin before they are read.

    Args:
        spec, planned: the wish and its plan.
        empty: a graph with all but the resources.
        as_of: the day it is judged at.
        progress, renders, kept, rendered: as of :func:`gpuplane.delivery.preview.preview`.
    """

    def __init__(self, spec: EnvironmentSpec, planned: EnvironmentPlan, empty: PlannedGraph, as_of: date, progress: Progress,
                 renders: TenantRenders | None, kept: KeptFindings | None, rendered: Callable[[], None]) -> None:
        self._spec, self._planned, self._empty, self._as_of, self._renders, self._kept = spec, planned, empty, as_of, renders, kept
        self._progress, self._rendered, self._process = progress, rendered, os.getpid()
        self.sources = SourceMap(spec)

    def processes(self) -> int:
        """How many should judge it; it is rendered by this one then, unless each is to read most of it."""
        try:
            more = self._renders.to_be_read(self._spec, self._planned) if self._renders is not None else 0
        except OSError:
            more = 0
        return fitting(more // _OBJECT, more) if more else fitting(len(self.graph.resources))

    @cached_property
    def stacks(self) -> Mapping[StackKey, Views]:
        """Every resource, by stack."""
        from gpuplane.delivery.offline_engine import render_stacks

        found = render_stacks(self._spec, self._planned, self._say, self._renders)
        if self._is_first:
            self._rendered()
        return found

    @cached_property
    def graph(self) -> PlannedGraph:
        """Every resource, with the place of its document."""
        from gpuplane.delivery.offline_engine import together

        found = self._empty.of_some(map(self.sources.locate, together(self._spec, self.stacks)))
        self._say(f"judging {len(found.resources)} resources by {len(all_rules())} rules")
        return found

    @cached_property
    def _known(self) -> TenantFindings | None:
        if self._kept is None or self._renders is None:
            return None
        return self._kept.of(self._renders, self.graph.resources, self._as_of)

    @cached_property
    def _near(self) -> PlannedGraph:
        return self.graph if self._known is None else self._known.near(self.graph)

    def judged(self, rules: Sequence[Rule]) -> Sequence[Sequence[Finding]]:
        """What some rules find."""
        return one_by_one(rules, self.graph) if self._known is None else self._known.judged(rules, self.graph, self._near)

    def learn(self, rules: Sequence[Rule], found: Sequence[Sequence[Finding]]) -> None:
        """Keep what was found for the next preview."""
        if self._known is not None and self._kept is not None:
            self._known.learn(rules, found, self.graph)
            self._kept.put(self._known)

    @property
    def _is_first(self) -> bool:
        return os.getpid() == self._process

    def _say(self, line: str) -> None:
        if self._is_first:
            self._progress(line)
