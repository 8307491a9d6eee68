"""The record of a run, and what a later run takes from it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gpuplane.delivery.applying.outcome import Outcome
from gpuplane.delivery.applying.run_record import last_unfinished, new_record, read_record
from gpuplane.spec.environment_spec import StackKey

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = StackKey("tenants", "a")


def test_a_killed_run_says_what_it_had_finished(tmp_path: Path) -> None:
    record = new_record(tmp_path, "prod", NOW)
    record.began("prod-tenants-a", "sha256:a", NOW)
    record.ended(Outcome(KEY, "prod-tenants-a", "applied", {"create": 2}, 1, 3.0), "sha256:a", NOW)
    record.began("prod-tenants-b", "sha256:b", NOW)
    with record.path.open("a") as file:
        file.write('{"event": "ended", "stack": "prod-ten')  # cut off by a crash

    former = last_unfinished(tmp_path, "prod")

    assert former is not None
    assert former.finished == {"prod-tenants-a": "sha256:a"}


def test_a_run_that_got_done_leaves_nothing_to_resume(tmp_path: Path) -> None:
    record = new_record(tmp_path, "prod", NOW)
    record.close(0, NOW)

    assert last_unfinished(tmp_path, "prod") is None
    assert last_unfinished(tmp_path, "staging") is None


def test_a_stack_that_failed_later_is_not_finished(tmp_path: Path) -> None:
    record = new_record(tmp_path, "prod", NOW)
    record.ended(Outcome(KEY, "s", "applied", {}, 1), "sha256:a", NOW)
    record.ended(Outcome(KEY, "s", "failed", {}, 1, reason="no"), "sha256:a", NOW)
    record.close(3, NOW)

    assert read_record(record.path).finished == {}


def test_what_looks_like_a_secret_is_not_recorded(tmp_path: Path) -> None:
    token = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1gI3kM5"
    record = new_record(tmp_path, "prod", NOW)
    record.ended(Outcome(KEY, "s", "failed", {}, 1, reason=f"token {token} was refused"), "", NOW)

    assert token not in record.path.read_text()
