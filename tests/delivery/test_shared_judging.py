"""Rules run by several processes find what one finds, also where a child fails."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gpuplane.catalog import catalog_of
from gpuplane.delivery import chunks, shared_judging
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import matrix
from gpuplane.graph.wiring import Relation
from gpuplane.graph.wiring.proof import links
from gpuplane.planning import plan
from gpuplane.policies.registry import all_rules, judge, one_by_one
from gpuplane.spec.loader import load_environment

AS_OF = date(2026, 8, 1)


@pytest.fixture(scope="module")
def graph() -> PlannedGraph:
    """Objects of production, without the annotations and labels that rules ask for: there is something to find."""
    spec = load_environment(Path(__file__).resolve().parents[2] / "environments", "prod")
    views = render(spec, plan(spec, catalog_of(spec), AS_OF))
    return PlannedGraph([view for view in views if view.kind not in ("NetworkPolicy", "ResourceQuota", "PodDisruptionBudget")])


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small graph is shared out too, to three processes, whatever runs in this one."""
    monkeypatch.setattr(shared_judging, "_LEAST", 1)
    monkeypatch.setattr(chunks, "_can_fork", lambda: True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})


def test_several_processes_find_what_one_finds(graph: PlannedGraph) -> None:
    found = judge(graph, (), AS_OF, run=shared_judging.by_all_processors)

    assert found.findings
    assert found == judge(graph, (), AS_OF)


def test_what_a_child_does_not_answer_is_judged_here(graph: PlannedGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getpid()

    def only_here(rules: object, of: PlannedGraph) -> object:
        if os.getpid() != parent:
            os._exit(1)
        return one_by_one(rules, of)  # type: ignore[arg-type]

    monkeypatch.setattr(shared_judging, "one_by_one", only_here)

    assert judge(graph, (), AS_OF, run=shared_judging.by_all_processors) == judge(graph, (), AS_OF)


def test_too_few_objects_are_judged_by_one_process(graph: PlannedGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_judging, "done_by_all", never)
    monkeypatch.setattr(shared_judging, "_LEAST", 10_000)
    assert len(shared_judging.by_all_processors(all_rules(), graph)) == len(all_rules())


@pytest.mark.parametrize(("mib", "processes"), [(100, 3), (700, 2), (900, 1), (None, 1)])
def test_there_are_no_more_processes_than_have_room_in_two_gib(
        graph: PlannedGraph, monkeypatch: pytest.MonkeyPatch, mib: int | None, processes: int) -> None:
    monkeypatch.setattr(shared_judging, "resident_bytes", lambda: None if mib is None else mib << 20)
    asked: list[int] = []
    children = chunks._children

    def counted(works: Any) -> Any:
        asked.append(len(works) + 1)
        return children(works)

    monkeypatch.setattr(chunks, "_children", counted)
    assert judge(graph, (), AS_OF, run=shared_judging.by_all_processors) == judge(graph, (), AS_OF)
    assert asked == ([processes] if processes > 1 else [])


def test_what_reports_ask_for_later_is_looked_up_here(graph: PlannedGraph) -> None:
    fresh = PlannedGraph(graph.resources).on(AS_OF)
    judge(fresh, (), AS_OF, run=shared_judging.by_all_processors)
    before = matrix.cache_info().misses, links.cache_info().misses
    assert matrix(fresh).edges
    assert links(fresh, Relation.ALERT)
    assert (matrix.cache_info().misses, links.cache_info().misses) == before


def never(*_: object, **__: object) -> None:
    raise AssertionError("it was asked")
