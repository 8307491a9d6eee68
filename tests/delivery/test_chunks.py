"""Work shared out to child processes: all of it comes back, and of a child that fails nothing does."""

from __future__ import annotations

import os
import threading

import pytest

from gpuplane.delivery.chunks import beside, shared_out

NAMES = tuple(f"name-{number}" for number in range(60))


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(threading, "active_count", lambda: 1)  # pytest's own plugins may run threads


def test_every_name_is_done_once_here_or_in_a_child() -> None:
    wait, begin = os.pipe()

    def work(name: str) -> bytes:
        os.read(wait, 1)  # a child that is quick would leave nothing to this process
        return f"{name} by {os.getpid()}".encode()

    with shared_out(NAMES, work) as (own, answers):
        mine = [next(own), next(own)]
        os.write(begin, b"." * len(NAMES))
        came = answers()
        assert list(own) == []
    os.close(wait)
    os.close(begin)
    assert sorted([*mine, *came]) == sorted(NAMES)
    assert {text.decode().split()[2] for text in came.values()}.isdisjoint({str(os.getpid())})


def test_a_child_that_fails_hands_back_nothing() -> None:
    def fails(name: str) -> bytes:
        raise ValueError(name)

    with shared_out(NAMES, fails) as (own, answers):
        assert answers() == {}
        assert len(NAMES) - 1 <= len(list(own)) < len(NAMES) + 1, "it had taken one name, or none yet"


def test_of_more_names_than_a_pipe_holds_each_is_done_once() -> None:
    many = [str(number) for number in range(20_000)]
    with shared_out(many, lambda name: b"") as (own, answers):
        mine = [name for name, _ in zip(own, range(100), strict=False)]
        came = answers()
    assert len(mine) + len(came) >= 100
    assert set(came).isdisjoint(mine)


def test_something_beside_answers_once_or_not_at_all() -> None:
    with beside(lambda: str(os.getpid()).encode()) as answer:
        assert answer() not in (None, str(os.getpid()).encode())
    with beside(lambda: bytes(1 // 0)) as answer:
        assert answer() is None


def test_where_nothing_can_run_beside_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    with beside(lambda: b"") as answer:
        assert answer() is None


def test_little_work_is_done_here() -> None:
    with shared_out(NAMES[:5], lambda _: b"") as (own, answers):
        assert (list(own), answers()) == (list(NAMES[:5]), {})
