"""The chain shows whatever happens to it afterwards, and takes writers side by side."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.delivery.audit import AuditEvent, AuditLog, Who
from gpuplane.delivery.audit.chain import Anchor, read_chain
from gpuplane.delivery.audit.event import MOST_BYTES, record_from, record_of
from gpuplane.delivery.audit.store import FOLDER, name_of
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.redaction import Redaction

ALICE = Who("alice", "local", "none")
AT = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
DIGEST = f"sha256:{'ab' * 32}"


def _event(number: int, **changes: object) -> AuditEvent:
    return AuditEvent(**{"kind": "apply", "environment": "prod", "subject": f"support/{number}", "result": "done",  # type: ignore[arg-type]
                         "digests": {"graph": DIGEST}, **changes})


def _filled(folder: Path, count: int) -> AuditLog:
    log = AuditLog(str(folder))
    for number in range(1, count + 1):
        log.append(_event(number), ALICE, AT)
    return log


def _file(folder: Path, sequence: int) -> Path:
    return folder / FOLDER / "prod" / name_of(sequence)


def _problems(log: AuditLog, *anchors: Anchor) -> tuple[str, ...]:
    return read_chain("prod", log.lines("prod"), anchors).problems


def test_a_chain_that_nobody_touched_is_whole(tmp_path: Path) -> None:
    log = _filled(tmp_path, 5)

    chain = read_chain("prod", log.lines("prod"))

    assert chain.problems == ()
    assert [record.sequence for record in chain.records] == [1, 2, 3, 4, 5]
    assert chain.head == Anchor(5, chain.records[4].hash) == Anchor.read(str(chain.head))


def _edit(folder: Path) -> None:
    file = _file(folder, 3)
    file.write_text(file.read_text().replace('"done"', '"fail"'))


def _edit_and_hash_again(folder: Path) -> None:
    old = record_from(_file(folder, 3).read_bytes())
    before = record_from(_file(folder, 2).read_bytes())
    _file(folder, 3).write_text(record_of(_event(9), old.who, AT, before).line)


def _swap(folder: Path) -> None:
    one, two = _file(folder, 2).read_bytes(), _file(folder, 3).read_bytes()
    _file(folder, 2).write_bytes(two)
    _file(folder, 3).write_bytes(one)


def _space(folder: Path) -> None:
    _file(folder, 2).write_text(json.dumps(json.loads(_file(folder, 2).read_text())))


def _other_environment(folder: Path) -> None:
    AuditLog(str(folder)).append(_event(1, environment="dev"), ALICE, AT)
    shutil.copy(folder / FOLDER / "dev" / name_of(1), _file(folder, 1))


@pytest.mark.parametrize(("harm", "said"), [
    (_edit, "record 3 was changed"), (_edit_and_hash_again, "record 4 does not follow"), (_swap, "record 2 says it is record 3"),
    (lambda folder: _file(folder, 2).unlink(), "record 2 is missing"),
    (lambda folder: _file(folder, 1).unlink(), "record 1 is missing"),
    (lambda folder: [_file(folder, each).unlink() for each in (2, 3)], "records 2 to 3 are missing"),
    (lambda folder: _file(folder, 4).write_bytes(b'{"sequence":4'), "record 4 is no JSON"),
    (lambda folder: _file(folder, 4).write_bytes(b"\xff"), "record 4 is no UTF-8"),
    (lambda folder: _file(folder, 4).write_bytes(b""), "record 4 is no JSON"),
    (lambda folder: _file(folder, 4).write_bytes(b"[" * 900_000), "record 4"),
    (lambda folder: _file(folder, 4).write_bytes(b"1" * (MOST_BYTES + 1)), "record 4 has 1000001 bytes"),
    (_space, "record 2 is not in canonical form"), (_other_environment, "record 1 is of environment \"dev\"")])
def test_what_is_done_to_a_log_is_found(tmp_path: Path, harm: Callable[[Path], object], said: str) -> None:
    log = _filled(tmp_path, 5)

    harm(tmp_path)

    assert any(problem.startswith(said) for problem in _problems(log)), _problems(log)


def test_a_tail_that_is_cut_off_is_found_by_an_anchor(tmp_path: Path) -> None:
    log = _filled(tmp_path, 5)
    head = read_chain("prod", log.lines("prod")).head
    assert head is not None

    _file(tmp_path, 5).unlink()

    assert _problems(log) == ()
    assert _problems(log, head) == ("record 5, which was written down, is not there: the log was cut off",)


def test_a_log_that_was_written_again_is_found_by_an_anchor(tmp_path: Path) -> None:
    head = read_chain("prod", _filled(tmp_path / "one", 3).lines("prod")).head
    other = AuditLog(str(tmp_path / "two"))
    for number in (1, 2, 4):
        other.append(_event(number), ALICE, AT)
    assert head is not None

    assert _problems(other, head) == ("record 3 is another one than was written down: the log was written again",)


@pytest.mark.parametrize("name", ["", "..", "a/b", "../dev", "a..", "-a", "A"])
def test_no_environment_leads_out_of_the_log(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotStart, match="no name of an environment"):
        AuditLog(str(tmp_path)).append(_event(1, environment=name), ALICE, AT)


@pytest.mark.parametrize("text", ["", "0@sha256:" + "a" * 64, "3", "3@" + "a" * 64, "3@sha256:" + "g" * 64])
def test_what_is_no_anchor_is_refused(text: str) -> None:
    with pytest.raises(CannotStart, match="no anchor"):
        Anchor.read(text)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8)


@settings(max_examples=60, deadline=None)
@given(details=st.lists(st.dictionaries(st.text(), JSON, max_size=3), min_size=1, max_size=5), data=st.data())
def test_any_detail_is_read_back_and_any_changed_byte_is_found(details: list[dict[str, object]], data: st.DataObject) -> None:
    lines: list[bytes] = []
    before = None
    for detail in details:
        before = record_of(_event(1, detail=detail), ALICE, AT, before)
        lines.append(before.line.encode())
        assert record_from(lines[-1]) == before
    assert read_chain("prod", list(enumerate(lines, 1))).problems == ()

    place = data.draw(st.integers(0, len(lines) - 1))
    position = data.draw(st.integers(0, len(lines[place]) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != lines[place][position]))
    lines[place] = lines[place][:position] + bytes([other]) + lines[place][position + 1:]

    assert read_chain("prod", list(enumerate(lines, 1))).problems


@settings(max_examples=40, deadline=None)
@given(count=st.integers(2, 6), data=st.data())
def test_any_other_order_and_any_gap_is_found(count: int, data: st.DataObject) -> None:
    records = []
    before = None
    for number in range(count):
        before = record_of(_event(number), ALICE, AT, before)
        records.append(before.line.encode())
    order = data.draw(st.permutations(range(count)))
    gap = data.draw(st.integers(0, count - 2))

    moved = read_chain("prod", [(place, records[index]) for place, index in enumerate(order, 1)])
    assert bool(moved.problems) == (list(order) != sorted(order))
    assert read_chain("prod", [(place, line) for place, line in enumerate(records, 1) if place != gap + 1]).problems


def test_writers_side_by_side_make_one_chain(tmp_path: Path) -> None:
    def write(number: int) -> None:
        for each in range(10):
            AuditLog(str(tmp_path)).append(_event(number * 100 + each), ALICE, AT)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    chain = read_chain("prod", AuditLog(str(tmp_path)).lines("prod"))
    assert chain.problems == ()
    assert len({record.subject for record in chain.records}) == 80


def test_a_writer_that_was_killed_leaves_a_readable_log(tmp_path: Path) -> None:
    log = _filled(tmp_path, 2)
    (_file(tmp_path, 1).parent / ".new-killed").write_bytes(b'{"at":"2026')
    (tmp_path / FOLDER / "prod" / "000000001").mkdir()  # made for the next thousand, and then killed

    assert log.append(_event(3), ALICE, AT).sequence == 3
    assert _problems(log) == ()


def test_nothing_is_put_behind_a_record_that_cannot_be_read(tmp_path: Path) -> None:
    log = _filled(tmp_path, 2)
    _file(tmp_path, 2).write_bytes(b"?")

    with pytest.raises(CannotStart, match="record 2 of prod is no JSON"):
        log.append(_event(3), ALICE, AT)


def test_the_thousandth_record_is_followed_by_the_next(tmp_path: Path) -> None:
    log = _filled(tmp_path, 1)
    line = _file(tmp_path, 1).read_bytes()
    for place in (998, 999):
        _file(tmp_path, place).write_bytes(line.replace(b'"sequence":1,', b'"sequence":%d,' % place))

    assert log.append(_event(1), ALICE, AT).sequence == 1000
    assert log.append(_event(1), ALICE, AT).sequence == 1001
    assert _file(tmp_path, 1001).parent.name == "000000001"


def test_no_secret_is_recorded(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2c3D4e5F6" * 3
    event = _event(1, subject=f"support {token}", detail={"said": ["correct-horse", {token: f"Bearer {token}"}]})

    record = AuditLog(str(tmp_path)).append(event, Who(token, "local", "none", claims={"ref": token}), AT, Redaction(frozenset({"correct-horse"})))

    stored = _file(tmp_path, 1).read_text()
    assert [secret for secret in (token, token[4:], "correct-horse") if secret in stored] == []
    assert stored == record.line


def test_a_detail_that_is_too_long_is_kept_by_its_digest(tmp_path: Path) -> None:
    record = AuditLog(str(tmp_path)).append(_event(1, detail={"text": "x" * MOST_BYTES}), ALICE, AT)

    assert record.detail["digest"].startswith("sha256:")
    assert _file(tmp_path, 1).stat().st_size < 2000


@pytest.mark.parametrize("changes", [{"kind": "party"}, {"digests": {"graph": "abc"}}, {"digests": {"graph": "sha256:hunter2"}}])
def test_what_is_no_event_is_a_defect_of_the_caller(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="allowed"):
        _event(1, **changes)


def test_a_time_without_a_zone_is_a_defect_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zone"):
        AuditLog(str(tmp_path)).append(_event(1), ALICE, datetime(2026, 10, 1))
