"""What people write in documents is shown and never obeyed: not as Markdown, HTML, a mention, a link, a workflow command or an escape."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from gpuplane.delivery.changes import Change, FieldChange
from gpuplane.delivery.formats import formatted
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.pull_request.annotations import code_quality, workflow_commands
from gpuplane.delivery.pull_request.comment import comment
from gpuplane.delivery.render_text import render_text
from gpuplane.delivery.wording import inert
from gpuplane.policies.finding import Verdict
from tests.delivery.pull_request.previews import read, refused
from tests.delivery.reports import blocking, isolation, kubernetes

ATTACKS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</details></td><h1>approved</h1>", "<!-- gpuplane:preview -->",
    "[approve](https://evil.example/x)", "![x](https://evil.example/x.png)", "https://evil.example/login", "www.evil.example", "@acme/platform",
    "mail a@evil.example", "mailto:a@evil.example", "fixes #12", "acme/platform#12", "GH-12", "!34", "%5", "~\"label\"", "$77", "&9",
    "a | b | c", "`code` ``more``", "a\n\n# approved\n\n- [x] done", "a\r\n/approve\n/merge", "**bold** _it_ ~~no~~", "\\| \\` \\[x](y)",
    "::error file=a.py,line=1::gotcha", "x\n::stop-commands::now", "  ::add-mask::a", "##[add-mask]a", "x ##[error]y", "%0A::error::x",
    "\x1b[2J\x1b]8;;https://evil.example\x07click\x1b]8;;\x07", "\x9b31m", "safe\u202etxt.exe", "a\u2028b\u2029c", "\x00nul", "]]><x/>",
    "{{ 7 * 7 }} {% raw %}", "\" onmouseover=\"alert(1)", "javascript:alert(1)", "<a href='x'>", "&lt;b&gt; &amp; &#64;team")


def attacked(text: str) -> PreviewReport:
    """A report in which whatever people can write says ``text``."""
    made = refused()
    finding = blocking(message=text, remedy=text, file=text, name=text, tenant=text, kind=text, namespace=text, field=text)
    view = replace(kubernetes("serving.kserve.io/v1beta1", "InferenceService", text, text), file=text)
    assert made.comparison is not None
    changes = (Change("update", view, (FieldChange(text, text, [text]),)), Change("delete", view, (), text))
    tenant = replace(made.plan.tenants["acme"], name=text)
    plan = replace(made.plan, notes=(text,), tenants={text: tenant})
    waived = replace(finding, waived=f"{text} (until 2026-08-03, {text})")
    matrix = isolation(text, f"other {text}", text)
    return replace(made, environment=text, plan=plan, findings=(finding, waived), resources=(view,), isolation=matrix,
                   verdict=Verdict.FAIL, comparison=replace(made.comparison, ref=text, changes=changes, edges=(), note=""))


def shown(made: PreviewReport) -> dict[str, str]:
    """The report in every format."""
    console = Console(width=160, color_system=None)
    with console.capture() as printed:
        render_text(made, console)
    with TemporaryDirectory() as folder:
        file = read(made, Path(folder))
    return {**{each: formatted(made, each) for each in ("markdown", "html", "json", "sarif", "junit")},
            "text": inert(printed.get()), "comment": comment([file], "preview"), "github": workflow_commands([file]),
            "gitlab": code_quality([file])}


class Page(HTMLParser):
    """Tags, attributes and comments of a page, and its text outside of code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[tuple[str, tuple[str, ...]]] = set()
        self.comments: list[str] = []
        self.words: list[str] = []
        self._in_code = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, tuple(sorted(name for name, _ in attrs))))
        self._in_code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag == "code"

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if not self._in_code:
            self.words.append(data)


CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
COMMAND = re.compile(r"(?m)^\s*::|##\[")
OURS = {(tag, ()) for tag in ("b", "details", "summary", "code", "sub", "p", "h2", "h3", "h4", "ul", "li", "strong", "table", "thead", "tbody",
                               "tr", "th", "td")} | {("th", ("style",)), ("td", ("style",))}
REFERENCE = re.compile(r"[@#!$~^](?=\w)|[%&](?=\d)|://|\bwww\.|\bmailto:|\bGH-\d|[~%](?=[\"'{])")
"""What forges make a link, a mention or a reference of, in the text of a rendered comment."""


def as_a_forge_renders(markdown: str) -> Page:
    return Page(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))


def holds(made: PreviewReport) -> None:
    """No format obeys what the report's texts say."""
    found = shown(made)
    for name, text in found.items():
        assert CONTROL.search(text) is None, name
        if name != "github":
            assert COMMAND.search(text) is None, name
    for name in ("markdown", "comment"):
        rendered = as_a_forge_renders(found[name])
        assert rendered.tags <= OURS
        assert rendered.comments == ([" gpuplane:preview "] if name == "comment" else [])
        assert REFERENCE.search(" ".join(rendered.words)) is None
        assert found[name].count("\n<details>\n") == found[name].count("\n</details>\n")
        assert not re.search(r"(?m)^\s*/", found[name])  # no quick action
    page = Page(found["html"])
    assert not {"script", "img", "iframe", "a href", "object", "link", "form", "base"} & {tag for tag, _ in page.tags}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "<h1>approved" not in found["html"]
    assert all(json.loads(found[name]) is not None for name in ("json", "sarif", "gitlab"))
    assert ElementTree.fromstring(found["junit"]).tag == "testsuites"
    for line in found["github"].splitlines():
        assert re.match(r"::(error|warning|notice) (file=[^:,]*(,line=\d+)?,)?title=[^:,]*::", line)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_format_obeys_what_a_document_says(attack: str) -> None:
    holds(attacked(attack))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.sampled_from(ATTACKS), st.sampled_from(list("|`*_[]()<>!@#~$%^&\\:/\"'\n\r\t ;{}-=")),
                          st.characters(exclude_categories=("Cs",))), min_size=1, max_size=12).map("".join))
def test_nor_any_mixture_of_such_texts(text: str) -> None:
    holds(attacked(text or "x"))


def test_json_says_the_same_though_a_runner_reads_no_command_in_it() -> None:
    found = json.loads(formatted(attacked("##[add-mask]a"), "json"))

    assert found["findings"][0]["message"] == "##[add-mask]a"
