"""The page on rehearsals: its commands run, its table has every scenario, and it names the mark that the code looks for."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from gpuplane.cli import cli
from gpuplane.delivery.rehearsal.marks import LABEL, SYSTEM, THROW_AWAY
from gpuplane.delivery.rehearsal.rehearsal import SCENARIOS
from tests.docs.console import blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "rehearsal.md").read_text()


def test_the_table_has_every_scenario_in_the_order_in_which_they_run() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE) == list(SCENARIOS)


def test_the_mark_is_the_one_that_is_looked_for() -> None:
    assert f"$ kubectl create configmap {THROW_AWAY} -n {SYSTEM}" in PAGE
    assert f"`{LABEL}`" in PAGE


def test_every_option_that_it_names_is_there() -> None:
    command = cli.get_command(click.Context(cli), "rehearse")
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts}

    assert set(re.findall(r"`(--[a-z]+)", PAGE)) <= options
    assert "$ gpuplane rehearse staging" in (ROOT / "README.md").read_text()


def test_the_commands_of_blocks_that_are_not_run_can_be_parsed() -> None:
    command = cli.get_command(click.Context(cli), "rehearse")
    assert command is not None
    said = [shlex.split(each.text)[2:] for block in blocks(PAGE) for each in block.commands if each.text.startswith("gpuplane rehearse ")]

    assert len(said) >= 3
    assert [words for words in said if len(command.make_parser(click.Context(command)).parse_args(list(words))[1]) > 0] == []
