"""The campaign itself: one thread, processes that die, that hang and that report, and what is kept of them."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz import block, campaign, corpus, minimise, running, targets
from tests.fuzz.case import Case, case_of
from tests.fuzz.invariants import Defect

Tried = Callable[[int], None]


@pytest.fixture
def fuzz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """A campaign whose inputs do no more than ``tried`` does with their number; its status, and what it printed."""
    monkeypatch.setattr(campaign, "_warm", lambda: None)
    monkeypatch.setattr(corpus, "documents", tuple)
    monkeypatch.setattr(corpus, "manifests", tuple)
    monkeypatch.setattr(targets, "case", lambda _, number: Case("check", (), "m.yaml", f"{number}".encode()))

    def fuzzed(tried: Tried, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(running, "run", lambda made: tried(int(made.content)))
        monkeypatch.setattr(running, "signature", lambda made: _signature(tried, made))
        status = campaign.main(["--found", str(tmp_path), "--seed", "7", *arguments])
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        return status, capsys.readouterr().out

    return fuzzed


def _signature(tried: Tried, made: Case) -> str:
    try:
        tried(int(made.content or b"0"))
    except Defect as defect:
        return f"check: {defect.signature}"
    return ""


def _odd(number: int) -> None:
    if number % 10 == 3:
        raise Defect("ends in three", "x" * 3000)


def _dies(number: int) -> None:
    if number in (4, 11, 12, 19):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("jobs", ["1", "2", "7"])
def test_every_input_is_tried_and_nothing_is_found_where_nothing_is(fuzz: Callable[..., tuple[int, str]], jobs: str, tmp_path: Path) -> None:
    def tried(number: int) -> None:
        with (tmp_path / "tried").open("a") as file:
            file.write(f"{number}\n")

    status, said = fuzz(tried, "--inputs", "25", "--start", "100", "--block", "4", "--jobs", jobs)

    assert (status, said.splitlines()[-1]) == (0, "25 inputs, 0 defects")
    assert sorted(map(int, (tmp_path / "tried").read_text().split())) == list(range(100, 125))
    assert json.loads((tmp_path / "state-7.json").read_text()) == {"seed": 7, "blocks": list(range(100, 125, 4))}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_process_that_dies_is_a_defect_and_the_next_goes_on_behind_it(fuzz: Callable[..., tuple[int, str]], jobs: str, tmp_path: Path) -> None:
    status, said = fuzz(_dies, "--inputs", "20", "--block", "10", "--jobs", jobs)

    assert status == 1
    assert "20 inputs, 1 defects\n     4 the process died of signal 9" in said
    kept = {int(case_of(path.read_text()).content) for path in tmp_path.glob("check-*.json")}
    assert len(kept) == 3
    assert kept < {4, 11, 12, 19}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_processes_report_is_counted_and_kept(fuzz: Callable[..., tuple[int, str]], jobs: str, tmp_path: Path) -> None:
    status, said = fuzz(_odd, "--inputs", "60", "--block", "20", "--jobs", jobs, "--quick")

    assert status == 1
    assert said.endswith("60 inputs, 1 defects\n     6 check: ends in three\n")
    assert said.count("check: ends in three\n  ") == 3
    text = next(tmp_path.glob("check-*.txt")).read_text()
    assert text.startswith("seed 7, input ")
    assert "xxx" in text


def test_processes_may_say_more_than_a_pipe_holds_while_nobody_reads(fuzz: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    note = campaign.Campaign._note
    monkeypatch.setattr(campaign.Campaign, "_note", lambda self, found: (time.sleep(0.3), note(self, found)))
    _, said = fuzz(lambda number: _odd(3), "--inputs", "400", "--block", "100", "--jobs", "2", "--quick")

    assert said.endswith("400 inputs, 1 defects\n   400 check: ends in three\n")


def test_a_campaign_goes_on_where_an_older_one_was(fuzz: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    (tmp_path / "state-7.json").write_text('{"seed": 7, "blocks": [0, 20]}')
    _, said = fuzz(_odd, "--inputs", "60", "--block", "20", "--jobs", "2", "--quick", "--resume")
    assert said.endswith("20 inputs, 1 defects\n     2 check: ends in three\n")
    assert json.loads((tmp_path / "state-7.json").read_text())["blocks"] == [0, 20, 40]

    status, said = fuzz(_odd, "--inputs", "60", "--block", "20", "--resume")
    assert (status, said) == (0, "0 inputs, 0 defects\n")


def test_all_is_forked_beside_no_other_thread(fuzz: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    fork, threads = os.fork, list[int]()

    def counted() -> int:
        threads.append(threading.active_count())
        return fork()

    monkeypatch.setattr(os, "fork", counted)
    fuzz(_odd, "--inputs", "60", "--block", "10", "--jobs", "3")

    assert threads == [1] * 7  # six blocks, and one defect to be made small


def test_a_defect_that_does_not_get_small_in_time_is_kept_as_it_is(
        fuzz: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(minimise, "minimised", lambda *_: time.sleep(600))
    monkeypatch.setattr(campaign, "_MINIMISING_SECONDS", 0.2)
    began = time.monotonic()
    fuzz(_odd, "--inputs", "10", "--jobs", "1")

    assert time.monotonic() - began < 60
    assert [case_of(path.read_text()).content for path in tmp_path.glob("check-*.json")] == [b"3"]


def test_a_minute_without_a_finished_block_has_its_line_too(fuzz: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "_SAID_SECONDS", 0.1)
    _, said = fuzz(lambda _: time.sleep(0.5), "--inputs", "1", "--jobs", "1")

    assert said.startswith("0 inputs in 0 s, 0 defects\n")
    assert said.endswith("1 inputs, 0 defects\n")


def test_a_line_that_death_cut_off_is_no_answer() -> None:
    half = block.Block(0, 10)
    half.child = os.fork()
    if half.child == 0:
        os._exit(3)
    half.answers = b'[1, "a", "b"]\n[2, "c'

    assert half.ended() == 1
    assert half.found == [(1, "a", "b"), (0, "the process died of exit status 3", "")]
