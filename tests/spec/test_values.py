"""YAML that readers understand differently, or that does more than hold values: refused, each value by its path."""

from __future__ import annotations

import pytest

from gpuplane.spec.errors import SpecError, dotted
from gpuplane.spec.yaml_source import MANIFEST_LIMITS, parse_text
from tests.spec.wish import Wish

FILE = "tenants/acme.yaml"
VALUES = {
    "a Python object": ("owner: acme-platform@example.com", "owner: !!python/object/apply:os.system [id]", "spec.owner",
                        "is not allowed."),
    "a Python name": ("owner: acme-platform@example.com", "owner: !!python/name:os.system ''", "spec.owner", "is not allowed."),
    "a tag of its own": ("owner: acme-platform@example.com", "owner: !secret acme", "spec.owner",
                         'the tag "!secret" is not allowed.'),
    "an ordered map": ("[eu-central-1]", "!!omap [eu-central-1]", "spec.allowed_regions", "is not allowed."),
    "binary": ("owner: acme-platform@example.com", "owner: !!binary aGVsbG8=", "spec.owner", "is not allowed."),
    "text that is tagged a number": ("h100: 8", "h100: !!int eight", "spec.quota.h100", "eight is not a plain decimal number."),
    "nothing tagged a number": ("h100: 8", "h100: !!int ''", "spec.quota.h100", "is not a plain decimal number."),
    "a key given twice": ("h100: 8", "h100: 8\n    h100: 4", "spec.quota.h100", 'the key "h100" is given twice.'),
    "a merge key": ("h100: 8", "h100: 8\n    <<: {h100: 4}", "spec.quota.<<", "merge keys (<<) are not supported."),
    "a list for a key": ("h100: 8", "h100: 8\n    ? [a]\n    : 1", "spec.quota", "a key is a list or a mapping."),
    "Norway": ("[eu-central-1]", "[no]", "spec.allowed_regions[0]",
               "no is a boolean to some readers of YAML and text to others."),
    "yes": ("owner: acme-platform@example.com", "owner: yes", "spec.owner", "yes is a boolean to some readers"),
    "On": ("owner: acme-platform@example.com", "owner: On", "spec.owner", "On is a boolean to some readers"),
    "a time of day": ("[3128]", "[12:30]", "spec.egress[0].ports[0]", "12:30 is not a plain decimal number."),
    "base 8": ("h100: 8", "h100: 010", "spec.quota.h100", "010 is not a plain decimal number."),
    "base 16": ("h100: 8", "h100: 0x08", "spec.quota.h100", "0x08 is not a plain decimal number."),
    "underscores": ("30000", "30_000", "spec.budget_usd_per_month", "30_000 is not a plain decimal number."),
    "not a number": ("30000", ".nan", "spec.budget_usd_per_month", ".nan is not a plain decimal number."),
    "a key without a value": ("cohort: shared", "cohort:", "spec.cohort", "is empty."),
    "null in a list": ("[3128]", "[3128, null]", "spec.egress[0].ports[1]", "is empty."),
}


@pytest.mark.parametrize(("old", "new", "path", "message"), VALUES.values(), ids=VALUES.keys())
def test_a_value_that_readers_would_disagree_on_is_refused(wish: Wish, old: str, new: str, path: str, message: str) -> None:
    wish.change(FILE, old, new)
    marker = next(line for line in new.splitlines()[::-1] if line.strip()).strip().removeprefix(": ")
    marker = "? [a]" if marker == "1" else marker

    error = wish.error()

    assert (error.path, error.line) == (path, wish.line(FILE, marker))
    assert message in error.message
    assert error.remedy


def test_a_value_that_cannot_be_used_does_not_hide_the_other_errors_of_its_file(wish: Wish) -> None:
    wish.change(FILE, "owner: acme-platform@example.com", "owner: no").change(FILE, "h100: 8", "h100: -1")
    wish.change(FILE, "cohort: shared", "cohort: shared\n  colour: red")

    assert [(error.path, error.line) for error in wish.errors()] == [
        ("spec.owner", 6), ("spec.colour", 11), ("spec.quota.h100.nominal_quota", 13)]


def test_manifests_may_hold_what_kubernetes_reads_as_yaml_1_1() -> None:
    documents, errors = parse_text("mode: 0644\nenabled: yes\nempty:\n---\nsecond: 1\n", "manifest.yaml", MANIFEST_LIMITS)

    assert errors == []
    assert [document.value for document in documents] == [{"mode": 0o644, "enabled": True, "empty": None}, {"second": 1}]
    assert [document.line for document in documents] == [1, 5]


@pytest.mark.parametrize("text",
                         ["a: !!bool maybe", "a: !!int ''", "a: !!float x", "a: !!binary x", "a: !!timestamp x\nb: !!set {x}",
                                  f"a: 0x{'f' * 5000}", f"a: {'9' * 5000}", "a: !!null x\nb: !!omap [x]"])
def test_a_manifest_with_a_value_that_cannot_be_read_is_an_error_and_not_a_defect(text: str) -> None:
    documents, errors = parse_text(text, "manifest.yaml", MANIFEST_LIMITS)

    assert len(documents) == 1
    assert len(errors) == 1
    assert errors[0].path in ("a", "b")


@pytest.mark.parametrize(("path", "text"), [
    ((), ""), (("spec", "egress", 0, "cidr"), "spec.egress[0].cidr"),
    (("spec", "quota", "a100-mig/1g.10gb"), "spec.quota.a100-mig/1g.10gb"),
    (("a\nb",), '"a\\nb"'), (("spec", "x" * 100), "spec." + '"' + "x" * 78 + "…"),
])
def test_a_path_is_one_short_line(path: tuple[str | int, ...], text: str) -> None:
    assert dotted(path) == text


@pytest.mark.parametrize(("error", "text"), [
    (SpecError("a.yaml", 3, "spec.x", "is wrong.", "Right it."), "a.yaml:3 spec.x: is wrong. Right it."),
    (SpecError("a.yaml", 3, "", "is wrong.", "Right it."), "a.yaml:3 is wrong. Right it."),
    (SpecError("a.yaml", 0, "", "is wrong.", "Right it."), "a.yaml: is wrong. Right it."),
    (SpecError("a.yaml", 0, "spec.x", "is wrong."), "a.yaml spec.x: is wrong."),
])
def test_an_error_is_one_sentence_with_its_place(error: SpecError, text: str) -> None:
    assert str(error) == text
