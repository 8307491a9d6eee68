"""The page on applying: every command and option that it shows is there, and its YAML is what an environment may say."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from pydantic import TypeAdapter

from gpuplane.cli import cli
from gpuplane.spec.applying import Applying
from gpuplane.spec.environment import SecretsProvider

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "applying.md").read_text()
COMMANDS = sorted({line.partition("#")[0].strip() for line in re.findall(r"^gpuplane .*$", PAGE, re.MULTILINE)}
                  | set(re.findall(r"`(gpuplane [^`]*)`", PAGE)))


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_one(line: str) -> None:
    command: click.Command = cli
    words = shlex.split(line)[1:]
    context = click.Context(cli)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, words[0]
        command, words = found, words[1:]

    parsed = command.make_context(command.name, [*words], resilient_parsing=False) if words else None

    assert parsed is not None or line == f"gpuplane {command.name}"


def test_the_yaml_is_what_an_environment_may_say() -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    fields = [block.get("spec", block) for block in blocks]
    said = [each["applying"] for each in fields if "applying" in each]
    keys = [each["secrets_provider"] for each in fields if "secrets_provider" in each]

    assert Applying.model_validate_json(json.dumps(said[0])).waves == (("sandbox",), ("search",))
    assert Applying.model_validate_json(json.dumps(said[1])).break_glass is not None
    assert len(said) + len(keys) == len(blocks)
    assert [TypeAdapter(SecretsProvider).validate_python(key) for key in keys] == keys != []
