"""Work shared out to child processes: all of it comes back, and of a child that fails nothing does."""

from __future__ import annotations

import os
import threading

import pytest

from gpuplane.delivery.chunks import shared_out

NAMES = tuple(f"name-{number}" for number in range(60))


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(threading, "active_count", lambda: 1)  # pytest's own plugins may run threads


def test_every_name_is_done_once_here_or_in_a_child() -> None:
    with shared_out(NAMES, lambda name: f"{name} by {os.getpid()}".encode()) as (own, answers):
        came = answers()
    assert sorted([*own, *came]) == sorted(NAMES)
    assert {text.decode().split()[2] for text in came.values()}.isdisjoint({str(os.getpid())})


def test_a_child_that_fails_hands_back_nothing() -> None:
    def fails(name: str) -> bytes:
        raise ValueError(name)

    with shared_out(NAMES, fails) as (own, answers):
        assert answers() == {}
    assert len(own) < len(NAMES)


def test_little_work_is_done_here() -> None:
    with shared_out(NAMES[:5], lambda _: b"") as (own, answers):
        assert (list(own), answers()) == (list(NAMES[:5]), {})
