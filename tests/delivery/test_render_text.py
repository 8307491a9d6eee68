"""The report on a terminal."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from gpuplane.delivery.changes import Change
from gpuplane.delivery.preview_report import Comparison, PreviewReport, sentence
from gpuplane.delivery.render_json import to_json
from gpuplane.delivery.render_text import render_text
from gpuplane.policies.finding import Verdict
from gpuplane.spec.vocabulary import TENANT
from tests.delivery.golden import assert_golden
from tests.delivery.reports import blocking, crowded, hostile, refused, report, service, unknown_finding


def printed(of: PreviewReport, width: int = 80, colour: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=colour, color_system="truecolor" if colour else None,
                      legacy_windows=False, _environ={})
    render_text(of, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_the_refused_report_looks_as_checked_in(width: int) -> None:
    assert_golden(f"preview-refused-{width}.txt", printed(refused(), width))


def test_the_passing_report_looks_as_checked_in() -> None:
    assert_golden("preview-pass-80.txt", printed(report()))


@pytest.mark.parametrize(("verdict", "finding", "word"), [
    (Verdict.PASS, None, "PASS"), (Verdict.FAIL, blocking(), "REFUSED"), (Verdict.UNKNOWN, unknown_finding(), "UNKNOWN")])
def test_the_verdict_comes_first(verdict: Verdict, finding: object, word: str) -> None:
    text = printed(report(verdict=verdict, findings=(finding,) if finding else ()))

    assert text.split()[0] == word


@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_blocking_sentence_stands_on_one_line_at_any_width(width: int) -> None:
    long = blocking(message="too many " * 60 + "GPUs.", file="environments/prod/" + "deep/" * 20 + "chat.yaml")

    lines = printed(report(findings=(long,), verdict=Verdict.FAIL), width).splitlines()

    assert sentence(long) in lines


def test_tables_fit_eighty_columns() -> None:
    lines = [line for line in printed(refused()).splitlines() if "─" in line]

    assert lines
    assert all(len(line) <= 80 for line in lines)


def test_figures_are_not_folded_in_a_narrow_terminal() -> None:
    assert "12 000" in printed(report(), 60)


def test_colour_adds_nothing_to_the_words() -> None:
    plain = Console(file=io.StringIO(), width=80, color_system=None)
    coloured = printed(refused(), colour=True)
    from rich.text import Text

    plain.print(Text.from_ansi(coloured), soft_wrap=True)
    assert isinstance(plain.file, io.StringIO)
    assert "\x1b[" in coloured
    assert "\x1b[" not in printed(refused())
    assert plain.file.getvalue().split() == printed(refused()).split()


def test_nothing_that_people_write_steers_the_terminal() -> None:
    text = printed(hostile())

    assert "\x1b" not in text
    assert '<script>alert("x")</script>' in text


def test_rich_markup_in_a_message_is_text() -> None:
    finding = blocking(message="[bold]x[/bold] :smile: [/]")

    assert "[bold]x[/bold] :smile: [/]" in printed(report(findings=(finding,), verdict=Verdict.FAIL))


def test_only_the_first_changes_and_fields_are_shown_and_the_rest_is_counted() -> None:
    from gpuplane.delivery.changes import FieldChange

    fields = tuple(FieldChange(f"spec.f{index}", None, index) for index in range(9))
    changes = tuple(Change("update", replace(service(4), name=f"s{index}"), fields) for index in range(9))
    text = printed(report(comparison=Comparison("main", "abc", {}, changes)))

    assert "acme: ~9" in text
    assert "… and 4 more" in text
    assert "… and 6 fields more" in text
    assert "spec.f0: (none) → 0" in text


def test_of_many_tenants_a_comparison_lists_those_that_there_is_something_to_say_of() -> None:
    many = [f"team-{number:02}" for number in range(50)]
    made = crowded(["acme", *many])
    before = json.loads(to_json(made))["plan"]
    before["tenants"]["team-07"]["committed_usd_per_month"] = "1.00"
    touched = Change("update", replace(service(4), namespace="team-09", props={"metadata": {"labels": {TENANT: "team-09"}}}), ())

    alone = printed(made)
    text = printed(replace(made, comparison=Comparison("main", "abc", before, (touched,))))
    unknown = printed(replace(made, comparison=Comparison("main", "abc", None, (), "main cannot be previewed.")))
    refused_one = printed(replace(made, comparison=Comparison("main", "abc", before, ()), findings=(blocking(tenant="team-11"),)))

    assert all(name in alone and name in unknown for name in many)
    assert {name for name in many if name in text} == {"team-07", "team-09"}
    assert "acme" in text  # it is near its budget
    assert "48 tenants more: not affected, same cost, within budget." in text
    assert "team-11" in refused_one


def test_a_comparison_that_could_not_be_made_says_why_and_claims_nothing() -> None:
    text = printed(report(comparison=Comparison("main", "abc", None, (), "main cannot be previewed.")))

    assert "main cannot be previewed." in text
    assert "what changes is not known" in text
    assert "nobody" not in text
