"""Since when a release is there, by git's history; and that a file and its loaded document say the same release."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gpuplane.delivery.promotion.promotion import running
from gpuplane.delivery.promotion.release_history import released, stretches
from gpuplane.delivery.promotion.repository import Repository
from gpuplane.delivery.promotion.world import opened
from gpuplane.planning.promotion.releases import moved
from gpuplane.spec.loader import environment_names, load_environment
from tests.delivery.promotion.walk import ROOT, Walk

FILE = "staging/services/support/assistant.yaml"
FOLDERS = [ROOT / "environments", *sorted((ROOT / "docs" / "examples").glob("*/environments"))]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.parent.name)
def test_a_file_and_its_document_say_the_same_release(folder: Path) -> None:
    for name in environment_names(folder):
        for entry in load_environment(folder, name).services.values():
            if not entry.role:
                assert released((folder / name / entry.place.relative).read_bytes()) == moved(entry.document.spec)


def history(walk: Walk, at: str = "HEAD") -> list[tuple[str, int, bool]]:
    repository = Repository.around(walk.environments, "a test")
    return [(each.commit.subject, each.seconds, each.at_least) for each in stretches(repository, repository.commit(at), f"environments/{FILE}")]


def test_what_changes_no_release_begins_none(walk: Walk) -> None:
    walk.replace(FILE, "max_replicas: 1", "max_replicas: 2")
    walk.commit("Room", "2026-11-01T00:00:00Z")
    walk.replace(FILE, "max_num_seqs: 128", "max_num_seqs: 96")
    walk.commit("Fewer", "2026-11-02T00:00:00Z")
    walk.replace(FILE, "max_num_seqs: 96", "max_num_seqs: 96   # said again\n        tensor_parallel_size: 1")
    walk.commit("A default, written", "2026-11-03T00:00:00Z")

    assert [subject for subject, _, _ in history(walk)] == ["Fewer", "Begin"]


def test_a_merged_branch_counts_from_its_merge(walk: Walk) -> None:
    walk.git("checkout", "-qb", "side")
    walk.replace(FILE, "max_num_seqs: 128", "max_num_seqs: 96")
    walk.commit("Long on a branch", "2026-10-02T00:00:00Z")
    walk.git("checkout", "-q", "main")
    walk.git("merge", "-q", "--no-ff", "-m", "Merged", "side", at="2026-11-05T00:00:00Z")

    assert history(walk)[0][:2] == ("Merged", 1793836800)


def test_a_clock_that_goes_back_does_not_make_it_older(walk: Walk) -> None:
    walk.replace(FILE, "max_replicas: 1", "max_replicas: 2")
    walk.commit("Room", "2026-11-01T00:00:00Z")
    walk.replace(FILE, "max_num_seqs: 128", "max_num_seqs: 96")
    walk.commit("From the past", "2020-01-01T00:00:00Z")

    assert history(walk)[0][:2] == ("From the past", 1793491200)


def test_two_commits_of_a_clock_that_is_behind_make_nothing_older(walk: Walk) -> None:
    walk.replace(FILE, "max_replicas: 1", "max_replicas: 2")
    walk.commit("Room", "2026-11-01T00:00:00Z")
    walk.replace(FILE, "max_replicas: 2", "max_replicas: 3")
    walk.commit("More, from the past", "2020-01-01T00:00:00Z")
    walk.replace(FILE, "max_num_seqs: 128", "max_num_seqs: 96")
    walk.commit("Fewer, from the past", "2020-01-02T00:00:00Z")

    assert since(walk) == 1793491200  # Room's


def test_a_clock_that_was_ahead_holds_nobody_else_up(walk: Walk) -> None:
    walk.replace(FILE, "max_replicas: 1", "max_replicas: 2")
    walk.commit("From the future", "2031-01-01T00:00:00Z")
    walk.replace(FILE, "max_num_seqs: 128", "max_num_seqs: 96")
    walk.commit("Fewer", "2026-11-02T00:00:00Z")
    assert since(walk) == 1793577600

    walk.replace(FILE, "max_num_seqs: 96", "max_num_seqs: 64")
    walk.commit("Fewest, from the future", "2030-01-01T00:00:00Z")
    assert since(walk) == 1893456000  # it has not run for any time yet


def since(walk: Walk) -> int:
    """Since when the present release counts, on the 20th of November."""
    with opened(Repository.around(walk.environments, "a test"), "HEAD") as world:
        return running(world, world.environment("staging"), "support/assistant", 1795132800).seconds


def test_a_shallow_clone_knows_only_at_least(walk: Walk, tmp_path: Path) -> None:
    walk.replace(FILE, "max_replicas: 1", "max_replicas: 2")
    walk.commit("Room", "2026-11-20T00:00:00Z")
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{walk.top}", str(tmp_path / "shallow")], check=True)

    assert history(Walk(tmp_path / "shallow")) == [("Room", 1795132800, True)]
    assert history(walk)[0][2] is False


def test_a_service_that_went_and_came_again_began_again(walk: Walk) -> None:
    text = (walk.environments / FILE).read_text()
    (walk.environments / FILE).unlink()
    walk.commit("Gone", "2026-11-01T00:00:00Z")
    (walk.environments / FILE).write_text(text)
    walk.commit("Back", "2026-11-02T00:00:00Z")

    assert [subject for subject, _, _ in history(walk)] == ["Back", "Begin"]


@pytest.mark.parametrize("content", [b"", b"\xff", b"spec: 1", b"a: b\n---\nc: d\n", b"spec: {release: &a {b: *a}}", b"- spec"])
def test_what_holds_no_release_holds_none(content: bytes) -> None:
    assert released(content) is None


def test_a_release_that_todays_models_cannot_read_is_taken_as_it_is_written() -> None:
    assert released(b"spec: {release: {model: {uri: old}, engine: tgi}}") == {"release": {"model": {"uri": "old"}, "engine": "tgi"}}


def test_a_message_cannot_say_that_it_is_several_commits(walk: Walk) -> None:
    repository = Repository.around(walk.environments, "a test")
    before = [each.hash for each in repository.changes("HEAD", f"environments/{FILE}")]
    walk.replace(FILE, "max_num_seqs: 128", "max_num_seqs: 96")
    forged = "\x1f".join(("f" * 40, "1", "quality@example.com", "", "Long ago", ""))
    commit = walk.commit(f"Hidden\x1e{forged}\x1e\x1f", "2026-11-20T00:00:00Z")

    found = list(repository.changes("HEAD", f"environments/{FILE}"))
    assert [each.hash for each in found] == [commit, *before]
    assert (found[0].author, found[0].trailers) == ("team@example.com", ())
    assert history(walk)[0][1] == 1795132800
