"""Every command of the tutorials runs, but for those that need a cluster, a cloud or a forge: those are listed here."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from gpuplane.cli import cli
from tests.docs.console import Command, Session, blocks, missing

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))
PAGES = [*TUTORIALS, ROOT / "docs/gitops.md"]
NOT_RUN = {
    "adopting-a-cluster": ["needs a cluster", "needs the cluster", "needs the cluster"],
    "eks-from-nothing": ["needs an AWS account", "needs an AWS account"],
    "first-platform": ["needs kind and charts from the network"],
    "gitops": ["needs a cluster with Argo CD"],
    "promoting-a-model": ["needs results of a run of your own, and an approver's commit", "needs a promotion to take back"]}
"""Reasons of the blocks that are not run, by page: a new one is a decision, not an accident."""


def started(page: str, folder: Path) -> Session:
    """The folder that a page begins in."""
    begins = re.search(r"<!-- starts with: (\S+) -->", page)
    if begins is not None:
        source = ROOT / begins[1]
        shutil.copytree(source, folder if (source / "environments").is_dir() else folder / "environments", dirs_exist_ok=True)
        shutil.copytree(ROOT / "docs/schema", folder / "schemas")
    return Session(folder)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_commands_of_a_tutorial_do_what_it_says(path: Path, tmp_path: Path) -> None:
    page = path.read_text()
    needs = re.search(r"^<!-- needs: (\S+) -->\n\n", page, re.MULTILINE)
    if needs is not None and needs[1] not in cli.commands:
        pytest.skip(f"this gpuplane has no command {needs[1]}")
    session = started(page, tmp_path)
    for block in blocks(page):
        if block.mark == "not run":
            continue
        for command in block.commands:
            status, output = session.run(command)
            place = f"{path.name}:{command.line}: {command.text.splitlines()[0]}"
            assert command.status in (None, status), f"{place}\nexit status {status}\n{output[-3000:]}"
            assert missing(output, command.expected) == [], f"{place}\n{output[-6000:]}"


def test_what_is_not_run_is_listed() -> None:
    found = {path.stem: [block.why for block in blocks(path.read_text()) if block.mark == "not run"] for path in PAGES}

    assert {page: reasons for page, reasons in found.items() if reasons} == NOT_RUN


LEFT_OUT = [(path, command) for path in PAGES for block in blocks(path.read_text()) if block.mark == "not run" for command in block.commands
            if "gpuplane " in command.text]


@pytest.mark.parametrize(("path", "command"), LEFT_OUT, ids=lambda each: each.stem if isinstance(each, Path) else each.text[:60])
def test_what_is_not_run_has_commands_and_options_that_are_there(path: Path, command: Command) -> None:
    words = shlex.split(command.text.partition(">")[0])
    words = words[words.index("gpuplane") + 1:]
    found: click.Command = cli
    while isinstance(found, click.Group):
        assert words[0] in found.commands, f"{path.name}:{command.line}: {command.text}"
        found, words = found.commands[words[0]], words[1:]
    _, left, _ = found.make_parser(click.Context(found)).parse_args(list(words))
    assert left == [], f"{path.name}:{command.line}: {command.text}"


def test_no_command_hides_in_another_fence() -> None:
    for path in PAGES:
        kinds = re.findall(r"^```(\w*)$", path.read_text(), re.MULTILINE)[::2]
        assert set(kinds) <= {"console", "yaml"}, f"{path.name}: a fence of {set(kinds)}"


def test_the_table_of_tutorials_names_every_page() -> None:
    table = (ROOT / "docs/tutorials/README.md").read_text()

    assert {path.name for path in TUTORIALS if path.name != "README.md"} == set(re.findall(r"\]\(([\w-]+\.md)\)", table))
