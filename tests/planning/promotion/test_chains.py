"""Which of two audits are one: those that hold the same record, and no two at one place."""

from __future__ import annotations

import pytest

from gpuplane.planning.promotion.chains import chains
from gpuplane.planning.promotion.state_gates import DriftResult


def chain(audit: str, records: str, environment: str = "prod") -> list[DriftResult]:
    """Looks whose hashes are the letters; a dot is a record that was not printed."""
    return [DriftResult(environment, 0, (), letter, place, audit) for place, letter in enumerate(records, 1) if letter != "."]


@pytest.mark.parametrize(("audits", "expected"), [
    (["ab", "abc"], ["abc"]), ([".b", "abc"], ["abc"]), (["a..d", "..cd", "a"], ["acd"]), (["ab", "..cd"], ["ab", "cd"]),
    (["ab", "..cd", ".bc"], ["abcd"]), (["abx", "abc"], ["abc", "abx"]), (["ab", "xb"], ["ab", "bx"])])
def test_audits_with_the_same_record_are_one(audits: list[str], expected: list[str]) -> None:
    seen = [each for number, records in enumerate(audits) for each in chain(f"audit {number}", records)]

    assert sorted("".join(sorted({each.source for each in found})) for found in chains(seen)) == expected


def test_environments_and_files_have_nothing_to_do_with_each_other() -> None:
    assert len(chains([*chain("one", "ab"), *chain("one", "ab", "staging"), *chain("", "ab")])) == 4
