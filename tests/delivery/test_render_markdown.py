"""The comment on a pull request."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from gpuplane.delivery.markdown_text import code_cell, escaped
from gpuplane.delivery.preview_report import Comparison
from gpuplane.delivery.render_markdown import LONGEST, render_markdown
from gpuplane.policies.finding import Verdict
from tests.delivery.golden import assert_golden
from tests.delivery.reports import blocking, hostile, refused, report


def test_the_refused_comment_looks_as_checked_in() -> None:
    assert_golden("preview-refused.md", render_markdown(refused()))


def test_the_passing_comment_looks_as_checked_in() -> None:
    assert_golden("preview-pass.md", render_markdown(report()))


def test_the_first_sentence_says_verdict_who_and_what_it_costs() -> None:
    first = render_markdown(refused()).splitlines()[0]

    assert first == ("⛔ **REFUSED:** 2 findings block prod; acme, beta and old are affected; committed cost +7 995 USD a month "
                     "to 22 995 of 30 000.")


@pytest.mark.parametrize(("text", "expected"), [
    ("a|b", r"a\|b"), ("<b>&", "&lt;b&gt;&amp;"), ("`x`", r"\`x\`"), ("*x* _y_", r"\*x\* \_y\_"), ("[x](y)", r"\[x\](y)"),
    ("a\nb", "a b"), ("@team", "@\u200bteam"), ("\x1b[1m", r"\[1m"), (r"\|", r"\\\|")])
def test_markup_of_other_people_is_text(text: str, expected: str) -> None:
    assert escaped(text).strip() == expected


def test_a_bar_in_code_ends_no_cell() -> None:
    assert code_cell("a|`b`\\|") == r"<code>a\|\`b\`\\\|</code>"


def test_hostile_names_make_no_html_and_break_no_table() -> None:
    text = render_markdown(hostile())
    outside_code = re.sub(r"`[^`\n]*`", "", text.replace(r"\`", ""))
    tables = [line for line in text.splitlines() if line.startswith("|")]

    assert "<script" not in outside_code
    assert "@team" not in outside_code
    assert "\x1b" not in text
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {5, 6, 7, 10}


def test_a_large_report_still_fits_a_comment_and_says_what_is_missing() -> None:
    findings = tuple(blocking(message="x" * 1500, line=line) for line in range(1, 400))
    text = render_markdown(report(findings=findings, verdict=Verdict.FAIL))

    assert len(text) < 65_536
    assert LONGEST < 65_536
    assert "see report.html" in text


def test_more_findings_than_fit_are_counted() -> None:
    findings = tuple(blocking(line=line) for line in range(1, 61))

    assert "… and 10 more" in render_markdown(report(findings=findings, verdict=Verdict.FAIL))


def test_only_waivers_that_end_soon_are_named_above_the_fold() -> None:
    section = render_markdown(refused()).partition("### Waivers about to end")[2].partition("<details>")[0]

    assert "2026-08-15" in section
    assert "2027-08-15" not in section


def test_an_unknown_cost_is_never_zero() -> None:
    plan = replace(report().plan, committed_usd_per_month=None, idle_usd_per_month=None)

    text = render_markdown(report(plan=plan))
    assert "committed cost is unknown" in text
    assert "| **total** | unknown |" in text


def test_a_cost_that_stays_says_so() -> None:
    made = report()
    plan = {"tenants": {}, "committed_usd_per_month": str(made.plan.committed_usd_per_month)}

    assert "committed cost stays 22 995 USD" in render_markdown(replace(made, comparison=Comparison("main", "", plan, ())))
    assert made.plan.committed_usd_per_month == Decimal("22995.00")
