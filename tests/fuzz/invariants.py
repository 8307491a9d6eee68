"""What holds of every answer, whatever the input was; anything else is a defect."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree import ElementTree

from markdown_it import MarkdownIt

from gpuplane.delivery.exit_status import GOOD, REFUSED, WRONG_INPUT
from gpuplane.spec.errors import SpecError
from tests.fuzz.hostile import TAG

MOST_OUTPUT = 40 << 20
"""Characters of one answer: an input of a few hundred thousand bytes is no reason for more."""
_COMMAND = re.compile(r"(?m)^\s*::(?!\u200b)[a-z]|##\[(?!\u200b)")
_ANNOTATION = re.compile(r"::(error|warning|notice) (file=[^:,]*(,line=\d+)?,)?title=[^:,]*::.*")
_MARKDOWN = MarkdownIt("gfm-like", {"html": True, "linkify": False})
_VOID_ATTRIBUTES = re.compile(r"on[a-z]+|srcdoc|formaction", re.IGNORECASE)


class Defect(Exception):
    """An invariant does not hold. ``signature`` is the same for the same defect."""

    def __init__(self, signature: str, detail: str = "") -> None:
        super().__init__(f"{signature}: {detail[:4000]}")
        self.signature = signature


def answered(status: int, stdout: str, stderr: str, output_format: str) -> None:
    """A command's answer: a status of the contract, no traceback, nothing that steers a terminal, and output of the form asked for.

    Raises:
        Defect: it is not so.
    """
    if "Traceback (most recent call last)" in stderr or "This is a defect of gpuplane" in stderr:
        raise Defect(_raised(stderr), stderr[-3000:])
    if status not in (GOOD, REFUSED, WRONG_INPUT):
        raise Defect(f"exit status {status}", stderr[-2000:])
    if status == WRONG_INPUT and not stderr.strip():
        raise Defect("status 2 without a word", stdout[:500])
    if len(stdout) + len(stderr) > MOST_OUTPUT:
        raise Defect("endless output", f"{len(stdout)} + {len(stderr)} characters")
    _inert("stderr", stderr)
    if stdout:
        _FORMATS.get(output_format, _text)(stdout)


def written(name: str, content: bytes) -> None:
    """A file of a report holds what its name says.

    Raises:
        Defect: it does not, or it holds what an input must not bring into it.
    """
    form = _SUFFIXES.get(name.rpartition(".")[2])
    if form is None:
        return
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Defect(f"{form} of a report is not UTF-8", str(error)) from None
    _FORMATS[form](text)


def readable(errors: tuple[SpecError, ...]) -> None:
    """Errors of documents: there is one, each is a line that people can read, with what to do.

    Raises:
        Defect: it is not so.
    """
    if not errors:
        raise Defect("refused without an error")
    for error in errors:
        text = str(error)
        if not text.isprintable() or not error.remedy or error.line < 0 or len(error.message) >= 2000:
            raise Defect("unreadable error", repr(text))
        text.encode()


def _raised(stderr: str) -> str:
    """Type of the exception and the innermost place of ours."""
    places = re.findall(r'File "[^"]*?((?:gpuplane|components|policies|stacks)/[^"]+\.py)", line (\d+), in (\S+)', stderr)
    kinds = re.findall(r"(?m)^([A-Za-z_][\w.]*(?:Error|Exception|Refused\w*|Warning|Interrupt|Exit|Stop\w*|Group)\w*)\b", stderr)
    file, line, function = places[-1] if places else ("?", "0", "?")
    return f"{kinds[-1] if kinds else 'exception'} in {file}:{function}:{line}"


def _inert(where: str, text: str) -> None:
    """No control characters, and no commands for a runner that reads the log."""
    strange = sorted({character for character in text if not character.isprintable()} - {"\n", "\u200b", "\u00a0" if where == "html" else "\n"})
    if strange:
        at = text.index(strange[0])
        raise Defect(f"{where} holds control characters", f"{strange!r} in {text[max(0, at - 200):at + 100]!r}")
    if (found := _COMMAND.search(text)) is not None:
        raise Defect(f"{where} commands a runner", text[max(0, found.start() - 100):found.end() + 100])
    text.encode()


def _text(text: str) -> None:
    _inert("text", text)


def _json(text: str) -> None:
    _inert("json", text)
    try:
        json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        raise Defect("output is no JSON", f"{error} {text[:500]}") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _xml(text: str) -> None:
    _inert("xml", text)
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise Defect("output is no XML", str(error)) from None
    known = {"testsuites", "testsuite", "testcase", "failure", "skipped"}
    if strange := {element.tag for element in root.iter()} - known:
        raise Defect("an input is an element of XML", repr(strange))


class _Elements(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if TAG in tag or any(TAG in name or _VOID_ATTRIBUTES.fullmatch(name) or (name in ("href", "src", "action") and _leads(text or ""))
                             for name, text in attrs):
            self.wrong.append(f"<{tag} {attrs!r}>"[:300])


def _leads(address: str) -> bool:
    """Whether a link runs something, or loads or opens what an input named."""
    return address.strip().lower().startswith(("javascript:", "data:text", "vbscript:")) or "evil.example" in address


def _html(text: str) -> None:
    _inert("html", text)
    page = _Elements()
    page.feed(text)
    page.close()
    if page.wrong:
        raise Defect("an input is markup in HTML", page.wrong[0])


def _markdown(text: str) -> None:
    _inert("markdown", text)
    page = _Elements()
    page.feed(_MARKDOWN.render(text))
    if page.wrong:
        raise Defect("an input is markup in Markdown", page.wrong[0])


def _commands(text: str) -> None:
    """Workflow commands: each line one of ours, with properties that nothing has ended before."""
    for line in text.splitlines():
        if not _ANNOTATION.fullmatch(line):
            raise Defect("an input is a workflow command", line[:500])
    _inert("commands", re.sub(r"(?m)^::", "", text))


_FORMATS: dict[str, Callable[[str], None]] = {"json": _json, "sarif": _json, "junit": _xml, "html": _html, "markdown": _markdown, "text": _text,
                                              "commands": _commands}
_SUFFIXES = {"json": "json", "sarif": "sarif", "xml": "junit", "html": "html", "md": "markdown"}
"""Forms by the end of a file's name."""
