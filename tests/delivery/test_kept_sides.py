"""What a preview keeps for the next one changes nothing of what it says: with it, without it, after whatever changes, and where it is damaged."""

from __future__ import annotations

import io
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks.wishes import NAME, write_large_environment, write_tenant
from gpuplane.delivery import chunks, comparison, judged_side, shared_judging, shared_side, tenant_renders
from gpuplane.delivery import preview as preview_module
from gpuplane.delivery.comparison import OtherSide
from gpuplane.delivery.document_cache import DocumentCache
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.kept_findings import KeptFindings
from gpuplane.delivery.kept_sides import KeptSides, packed_side, unpacked_side
from gpuplane.delivery.preview import preview, with_comparison
from gpuplane.delivery.render_json import to_json
from gpuplane.delivery.render_text import render_text
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.spec.loader import load_environment
from tests.delivery.files import edit

AS_OF = date(2026, 11, 21)


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments], cwd=folder, check=True, capture_output=True)


def said(folder: Path, cache: Path | None, ref: str = "HEAD", as_of: date = AS_OF, files: bool = True) -> str:
    """The whole report of a preview against a ref, as a process of its own would say it; what a terminal shows comes first."""
    renders, sides, kept = (TenantRenders(cache / "renders.sqlite"), KeptSides(cache / "sides"), KeptFindings(
        cache / "findings")) if cache is not None else (None, None, None)
    with DocumentCache(cache / "documents.sqlite") if cache is not None else nullcontext() as documents:
        spec = load_environment(folder, NAME, documents)
    with OtherSide(folder, NAME, ref, as_of, sides=sides) as other:
        report = preview(spec, as_of, renders=renders, kept=kept,
                         rendered=lambda: other.begin(renders) if renders is not None else None, files=files)
        compared = with_comparison(spec, report, other.compared_with(report, renders))
        render_text(compared, console := Console(width=160, record=True, file=io.StringIO()))
        return "\n".join([console.export_text(), *map(str, compared.stacks), to_json(compared)])


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Four tenants in a repository."""
    folder = tmp_path / "environments"
    write_large_environment(folder, 4, 1)
    git(folder, "init")
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "first")
    return folder


class Changes:
    """What people do to an environment, by chance."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._root, self._chance = folder, folder / NAME, random.Random(seed)

    def one(self) -> str:
        step = self._chance.choice([
            self.larger, self.gone, self.new, self.other_class, self.other_budget, self.other_account, self.moved, self.merged])
        step()
        return step.__name__

    def larger(self) -> None:
        write_tenant(self._root, self._chance.randrange(4), 1, cpu=self._chance.randrange(1, 4))

    def gone(self) -> None:
        number = self._chance.randrange(4)
        shutil.rmtree(self._root / f"services/team-{number:05}", ignore_errors=True)
        (self._root / f"tenants/team-{number:05}.yaml").unlink(missing_ok=True)

    def new(self) -> None:
        write_tenant(self._root, 4 + self._chance.randrange(2), 1)

    def other_class(self) -> None:
        file = self._chance.choice(sorted(self._root.glob("tenants/*.yaml")))
        lines = file.read_text().splitlines()
        word = self._chance.choice(["public", "internal", "confidential", "personal"])
        file.write_text("\n".join(f"  data_classification: {word}" if "data_classification" in line else line for line in lines) + "\n")

    def other_budget(self) -> None:
        file = self._root / "environment.yaml"
        lines = [line for line in file.read_text().splitlines() if not line.startswith("  budget_usd")]
        file.write_text("\n".join(lines) + f"\n  budget_usd_per_month: {self._chance.choice([10, 999999999])}\n")

    def other_account(self) -> None:
        """Now and then a number that is somebody's."""
        file = self._chance.choice(sorted(self._root.glob("tenants/*.yaml")))
        lines = file.read_text().splitlines()
        word = self._chance.choice(["cc-1", "4111-1111-1111-1111", "cc-2"])
        file.write_text("\n".join(f"  cost_center: {word}" if "cost_center" in line else line for line in lines) + "\n")

    def moved(self) -> None:
        """A document that says the same, a line further down."""
        file = self._chance.choice(sorted(self._root.rglob("*.yaml")))
        file.write_text(f"# moved\n{file.read_text()}")

    def merged(self) -> None:
        git(self._folder, "add", "-A")
        git(self._folder, "commit", "--allow-empty", "-m", "next")


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize(("seed", "terminal"), [(0, False), (1, True), (2, False), (3, True)])
def test_with_and_without_what_is_kept_the_report_is_the_same_after_any_changes(
        large: Path, tmp_path: Path, seed: int, beside: bool, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if beside:
        monkeypatch.setattr(preview_module, "LEAST", 1)
        monkeypatch.setattr(comparison, "_LEAST", 1)
        monkeypatch.setattr(shared_judging, "_LEAST", 1)
        monkeypatch.setattr(chunks, "_can_fork", lambda: True)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    changes, cache, steps = Changes(large, seed), tmp_path / "cache", list[str]()
    for _ in range(5):
        steps.append(changes.one())
        for files in (False, len(steps) % 2 == 0) if terminal else (True,):
            assert said(large, cache, files=files) == said(large, None), (steps, files)
    assert list((cache / "sides").iterdir()), "something was kept"


def test_children_begin_before_what_is_kept_is_read_and_after_what_is_not_is_rendered(
        large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[bool] = []
    honest = judged_side.fitting
    monkeypatch.setattr(shared_judging, "_LEAST", 1)
    monkeypatch.setattr(chunks, "_can_fork", lambda: True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})

    def noted(objects: int, more_bytes: int = 0) -> int:
        begun.append(bool(more_bytes))
        return honest(objects, more_bytes)

    monkeypatch.setattr(judged_side, "fitting", noted)
    monkeypatch.setattr(tenant_renders, "LEAST", 2)  # tenants to render
    whole = said(large, None)
    assert said(large, tmp_path) == whole
    assert said(large, tmp_path) == whole
    write_tenant(large / NAME, 1, 1, cpu=1)
    assert said(large, tmp_path) == said(large, None)
    for number in range(3):
        write_tenant(large / NAME, number, 1, cpu=2)
    assert said(large, tmp_path) == said(large, None)
    assert begun == [False, False, True, True, False, False, False]


def test_the_other_side_is_worked_out_once(large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    honest = shared_side._worked_out

    def counted(*arguments: Any) -> Any:
        asked.append(arguments)
        return honest(*arguments)

    monkeypatch.setattr(shared_side, "_worked_out", counted)
    for number in range(3):
        write_tenant(large / NAME, number, 1, cpu=1)
        assert '"action": "update"' in said(large, tmp_path)
    assert len(asked) == 1
    said(large, tmp_path, as_of=date(2026, 11, 22))
    assert len(asked) == 2, "another day, another side"
    git(large, "commit", "-am", "changed")
    said(large, tmp_path)
    assert len(asked) == 3, "other files, another side"


def test_the_other_side_is_worked_out_by_a_child_and_here_where_that_fails(
        large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tenant(large / NAME, 1, 1, cpu=1)
    whole, parent, honest = said(large, None), os.getpid(), shared_side._worked_out
    monkeypatch.setattr(comparison, "_LEAST", 1)
    monkeypatch.setattr(chunks, "_can_fork", lambda: True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})

    def only(where: bool) -> Callable[..., Any]:
        def worked_out(*arguments: Any) -> Any:
            assert (os.getpid() == parent) is where
            return honest(*arguments)
        return worked_out

    for name, where in (("a", False), ("b", True)):
        monkeypatch.setattr(shared_side, "_worked_out", only(where))
        assert said(large, tmp_path / name) == whole
    edit(large / NAME / "environment.yaml", "cloud: existing", "cloud: nowhere")
    git(large, "commit", "-am", "wrong")
    git(large, "revert", "--no-edit", "HEAD")
    assert "cannot be previewed" in said(large, tmp_path / "c", "HEAD~1"), "and what is wrong with it is said"


@pytest.mark.parametrize("damage", [b"", b"garbage", b"eJw="])
def test_what_is_damaged_is_as_good_as_nothing(large: Path, tmp_path: Path, damage: bytes) -> None:
    write_tenant(large / NAME, 1, 1, cpu=1)
    whole = said(large, tmp_path)
    file, = (tmp_path / "sides").iterdir()
    first = file.read_bytes()
    file.write_bytes(damage)
    assert said(large, tmp_path) == whole
    assert file.read_bytes() == first
    file.write_bytes(first[:len(first) // 8 * 4])
    assert said(large, tmp_path) == whole
    (tmp_path / "renders.sqlite").unlink()  # what it names is gone
    assert said(large, tmp_path) == whole


def test_a_kept_side_that_was_packed_comes_out_as_it_was(large: Path) -> None:
    side = shared_side._worked_out(large, NAME, AS_OF, TenantRenders()).side
    assert unpacked_side(packed_side(side)) == side
    with pytest.raises(ValueError, match="no side"):
        unpacked_side(packed_side(replace(side, plan=[])))  # type: ignore[arg-type]


def test_what_a_side_is_found_by(large: Path) -> None:
    def key(name: str = NAME, as_of: date = AS_OF) -> str | None:
        with OtherSide(large, name, "HEAD", as_of) as other:
            return other._key

    first = key()
    assert first is not None
    assert len({first, key("other"), key(as_of=date(2026, 11, 22))}) == 3
    edit(large / NAME / "environment.yaml", "budget_usd_per_month: 999999999", "budget_usd_per_month: 999999998")
    assert key() == first, "it is not in the commit"
    git(large, "commit", "-am", "another budget")
    assert key() not in (None, first)
    (large / "elsewhere").symlink_to("/etc")
    git(large, "add", "-A")
    git(large, "commit", "-m", "a link")
    assert key() is None


def test_of_a_side_that_is_kept_no_file_is_checked_out(large: Path, tmp_path: Path) -> None:
    write_tenant(large / NAME, 1, 1, cpu=1)
    whole, sides = said(large, tmp_path / "cache"), KeptSides(tmp_path / "cache" / "sides")
    with OtherSide(large, NAME, "HEAD", AS_OF, sides=sides) as other:
        assert other.exists
        assert list(other._tree.iterdir()) == []
    assert said(large, tmp_path / "cache") == whole


def test_environments_may_lie_below_the_top_of_the_repository(tmp_path: Path) -> None:
    folder = tmp_path / "a folder" / "environments"
    write_large_environment(folder, 2, 1)
    git(tmp_path, "init")
    (tmp_path / "a folder" / b"\xff".decode(errors="surrogateescape")).write_text("a name that is no text")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-m", "first")
    with OtherSide(folder, NAME, "HEAD", AS_OF) as other:
        assert other.exists
        assert {each.path for each in other._listed} == {str(file.relative_to(folder)) for file in folder.rglob("*.yaml")}
    with OtherSide(folder, "other", "HEAD", AS_OF) as other:
        assert not other.exists


def test_few_sides_are_kept_and_where_none_can_be_nothing_is_said(tmp_path: Path) -> None:
    sides = KeptSides(tmp_path / "sides")
    for number in range(20):
        sides.put(f"{number:064}", b"")
    assert len(list((tmp_path / "sides").iterdir())) == 16
    (tmp_path / "file").write_text("")
    KeptSides(tmp_path / "file").put("a", b"")
    assert KeptSides(tmp_path / "file").get("a") is None


def test_a_program_behind_a_link_is_the_refs_own(large: Path) -> None:
    (large / "gpuplane").symlink_to(Path(comparison.__file__).parents[1])
    git(large, "add", "-A")
    git(large, "commit", "-m", "a link")
    with OtherSide(large, NAME, "HEAD", AS_OF) as other:
        assert other._child is not None


def test_files_that_cannot_be_checked_out_end_the_comparison(large: Path) -> None:
    loose = next(path for path in sorted((large / ".git" / "objects").glob("??/*")) if subprocess.run(
        ["git", "cat-file", "-t", path.parent.name + path.name], cwd=large, capture_output=True, text=True, check=True).stdout == "blob\n")
    loose.chmod(0o600)
    loose.write_bytes(b"")
    with OtherSide(large, NAME, "HEAD", AS_OF) as other, pytest.raises(CannotStart, match="has no files of"):
        other.views()
