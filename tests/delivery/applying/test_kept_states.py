"""The last good state of a stack is kept before an apply, and an apply that has no room does not begin."""

from __future__ import annotations

from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gpuplane.delivery import pulumi_engine
from gpuplane.delivery.applying import kept_states
from gpuplane.delivery.applying.kept_states import KEPT, keep, kept, newest
from gpuplane.delivery.applying.state_command import state
from gpuplane.delivery.applying.state_copies import read_copy
from gpuplane.delivery.applying.state_index import INDEX
from gpuplane.delivery.exit_status import WRONG_INPUT, CannotStart, EngineFailed
from gpuplane.delivery.state_backend import mend
from tests.delivery.applying.worlds import world

NOW = datetime(2026, 11, 22, tzinfo=UTC)
STACK = "local-tenants"


def _state(serial: int) -> dict[str, Any]:
    return {"manifest": {"serial": serial}, "resources": [{"urn": "u"}] * serial}


def _variables(folder: Path) -> dict[str, str]:
    (folder / "backend").mkdir(exist_ok=True)
    return {"PULUMI_BACKEND_URL": f"file://{folder}/backend?x=1"}


def _kept(variables: dict[str, str]) -> list[tuple[str, str, int, Path]]:
    """What is kept, of which nothing is damaged."""
    problems = list[CannotStart]()
    found = list(kept("local", (STACK,), variables, problems.append))
    assert not problems
    return found


def test_each_state_is_kept_once_and_old_ones_go(tmp_path: Path) -> None:
    spec, variables = world(tmp_path), _variables(tmp_path)

    for serial in range(KEPT + 3):
        for again in range(2):
            keep(spec, STACK, _state(serial), variables, NOW + timedelta(seconds=10 * serial + again))

    found = _kept(variables)
    assert [resources for _, _, resources, _ in found] == [7, 6, 5, 4, 3]
    assert newest("local", STACK, variables) == found[0][3]
    assert [copy.resources for copy in read_copy(spec, found[0][3], (STACK,))] == [7]
    assert found[0][3].joinpath(f"{STACK}.json").stat().st_mode & 0o077 == 0


def test_a_copy_that_was_cut_off_is_none(tmp_path: Path) -> None:
    spec, variables = world(tmp_path), _variables(tmp_path)
    keep(spec, STACK, _state(1), variables, NOW)
    whole = newest("local", STACK, variables)
    assert whole is not None
    cut = whole.with_name("20300101T000000000000")
    cut.mkdir()
    (cut / f"{STACK}.json").write_text("{")

    assert newest("local", STACK, variables) == whole


@pytest.mark.parametrize(("damage", "said"), [
    (b'{"kind": "gpuplane-st', "is not JSON"),
    (b"\xff\xfe", "is not JSON"),
    (b"[]", "is not a JSON object"),
    (b"{}", "is no copy of state: environment: Field required"),
    (b'{"kind": "gpuplane-state-copy", "schema_version": 1, "environment": "local", "stacks": {}}', "has no stack local-tenants"),
])
def test_a_copy_with_a_damaged_index_is_said_and_another_is_made(tmp_path: Path, damage: bytes, said: str) -> None:
    spec, variables = world(tmp_path), _variables(tmp_path)
    keep(spec, STACK, _state(1), variables, NOW)
    keep(spec, STACK, _state(2), variables, NOW + timedelta(seconds=1))
    broken = newest("local", STACK, variables)
    assert broken is not None
    (broken / INDEX).write_bytes(damage)

    problems = list[CannotStart]()
    assert [resources for _, _, resources, _ in kept("local", (STACK,), variables, problems.append)] == [1]
    assert [said in str(one) and str(broken / INDEX) in str(one) for one in problems] == [True]
    keep(spec, STACK, _state(2), variables, NOW + timedelta(seconds=2))
    assert [resources for _, _, resources, _ in kept("local", (STACK,), variables, problems.append)] == [2, 1]


def test_a_damaged_copy_is_said_behind_the_list_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, variables = world(tmp_path), _variables(tmp_path)
    keep(spec, STACK, _state(1), variables, NOW)
    keep(spec, STACK, _state(2), variables, NOW + timedelta(seconds=1))
    broken = newest("local", STACK, variables)
    assert broken is not None
    (broken / INDEX).write_text("{")
    monkeypatch.setattr(pulumi_engine, "require_tools", lambda _: variables)

    found = CliRunner().invoke(state, ["restore", "local", "--environments", str(tmp_path / "environments")])

    assert (found.exit_code, "1 resources" in found.stdout) == (WRONG_INPUT, True)
    assert f"{broken / INDEX} is not JSON" in found.stderr
    assert "defect" not in found.stderr


def test_without_room_nothing_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, variables = world(tmp_path), _variables(tmp_path)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(kept_states.shutil, "disk_usage", lambda _: usage(10 ** 9, 10 ** 9, 10 ** 6))

    with pytest.raises(EngineFailed, match=r"no space left for its state: 1\.0 MB are free in .*backend, .*Nothing was applied"):
        keep(spec, STACK, _state(1), variables, NOW)
    assert newest("local", STACK, variables) is None


def test_a_copy_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, variables = world(tmp_path), _variables(tmp_path)

    def full(_environment: str, out: Path, *_: object) -> None:
        out.mkdir(parents=True)
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(kept_states, "write_stacks", full)

    with pytest.raises(EngineFailed, match=r"could not be copied to .*No space left on device\. Nothing was applied"):
        keep(spec, STACK, _state(1), variables, NOW)
    assert not list((tmp_path / "backend" / kept_states.FOLDER / "local" / STACK).iterdir())


def test_a_bucket_keeps_versions_itself(tmp_path: Path) -> None:
    variables = {"PULUMI_BACKEND_URL": "s3://bucket/prefix"}

    keep(world(tmp_path), STACK, _state(1), variables, NOW)

    assert newest("local", STACK, variables) is None
    assert not _kept(variables)


def test_what_a_killed_run_cut_off_beside_the_state_is_taken_away(tmp_path: Path) -> None:
    stacks = tmp_path / ".pulumi" / "stacks" / "gpuplane"
    stacks.mkdir(parents=True)
    texts = {"a.json": "", "a.json.attrs": "", "b.json.attrs": '{"md5": ', "c.json.attrs": '{"md5": ""}', "d.json.bak": "{"}
    for name, text in texts.items():
        (stacks / name).write_text(text)

    mend(f"file://{tmp_path}")
    mend("s3://bucket")

    assert sorted(file.name for file in stacks.iterdir()) == ["a.json", "c.json.attrs", "d.json.bak"]
