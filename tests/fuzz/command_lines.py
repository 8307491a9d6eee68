"""Command lines drawn from the commands' own parameters, with values that no one should give."""

from __future__ import annotations

import random
from functools import cache

import click

from gpuplane.cli import cli
from tests.fuzz.hostile import CONTROLS, MARKUP, NUMBERS, TEMPLATES, WORDS

_LEFT_OUT = frozenset({"up", "destroy", "drift", "bootstrap", "adopt", "migrate-stacks", "state", "approve"})
"""Commands that run Pulumi: what is left of them offline is the same parameters."""
_NAMES = ("dev", "prod", "staging", "local", "acme", "h100", "support/assistant", "HEAD", "origin/main", "nowhere", "a/b/c", "2026-08-01", "7", "json", "text")
_FILES = ("environments", "environments/dev/environment.yaml", "nowhere", "nowhere.yaml", ".", "..", "-", "environments/dev/../dev", "a\nb", "a\x1b[2J", "", "é",
          "/dev/null", "/proc/self/nothing", "file\udcff", "x" * 300)
"""Paths: none of them leads to what must not be written to."""
_REFS = ("--upload-pack=x", "-x", "HEAD:../x", "HEAD^{tree}", ":/x", "@{-1}", "--output=x", "refs/heads/../x", "HEAD..HEAD", "$(x)", "a b", "\x1b[2J")
_FIT = "fit --model Qwen/Qwen2.5-7B-Instruct"
_GOOD = tuple(tuple(each.split()) for each in (
    "preview team", "cost team", "capacity team", "new tenant team other --owner a@example.com --budget-usd-per-month 10 --no-ask",
    "new service team chat/other --force --model hf://Qwen/Qwen2.5-7B-Instruct --no-ask",
    ("new pool team other --no-ask --force --gpu H100-SXM-80GB --max-nodes 2 --gpus-per-node 8 --vcpus-per-node 96 --memory-gib-per-node 1024 "
     "--usd-per-node-hour 20 --price-source contract"),
    "new environment other --cloud existing --no-ask --budget-usd-per-month 10", f"{_FIT} --gpu L4-24GB",
    f"{_FIT} --gpu L40S-48GB --max-model-len 8192", f"{_FIT} --gpu-memory-gib 80", f"{_FIT} --gpu H100-SXM-80GB --max-loras 4"))
"""Command lines with all that they need, but for one value: most of those that are drawn end before anybody reckons with their numbers."""
_EDGES = ("1", "2147483647", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1" + "0" * 400, *(str(each) for each in NUMBERS if isinstance(each, float)))


@cache
def _commands() -> tuple[tuple[tuple[str, ...], click.Command], ...]:
    def below(path: tuple[str, ...], command: click.Command) -> list[tuple[tuple[str, ...], click.Command]]:
        if not isinstance(command, click.Group):
            return [(path, command)]
        return [(path, command), *(each for name, child in sorted(command.commands.items()) if (*path, name)[0] not in _LEFT_OUT
                                   for each in below((*path, name), child))]

    return tuple(below((), cli))


def drawn(chance: random.Random) -> tuple[str, ...]:
    """Arguments of ``gpuplane``: mostly of one command, some of no command at all."""
    if chance.random() < 0.3:
        return _with_one_more(chance.choice(_GOOD), chance)
    path, command = chance.choice(_commands())
    arguments = list(path)
    parameters = [each for each in command.params if isinstance(each, click.Option) and each.name != "post"]
    for option in chance.sample(parameters, min(len(parameters), chance.choice((0, 1, 2, 3)))):
        arguments.append(chance.choice([*option.opts, *option.secondary_opts]))
        if not option.is_flag or chance.random() < 0.1:
            arguments.append(_value(option, chance))
    for argument in (each for each in command.params if isinstance(each, click.Argument)):
        arguments += [_value(argument, chance) for _ in range(chance.choice((0, 1, 1, 1, 2)))]
    if chance.random() < 0.2:
        arguments.insert(chance.randrange(len(arguments) + 1), chance.choice((*WORDS, *CONTROLS, "--", "-h", "--version", "--no-such")))
    return tuple(each.replace("\0", "") for each in arguments)


def _with_one_more(good: tuple[str, ...], chance: random.Random) -> tuple[str, ...]:
    """A good command line and one option of its command; where that is a flag, or of a value that is good, it may stay good."""
    command = next(command for path, command in _commands() if path and good[:len(path)] == path and not isinstance(command, click.Group))
    option = chance.choice([each for each in command.params if isinstance(each, click.Option) and each.name != "post"])
    value = chance.choice((*_EDGES, *WORDS)) if chance.random() < 0.6 and not isinstance(option.type, click.Path) else _value(option, chance)
    return tuple(each.replace("\0", "") for each in (*good, chance.choice(option.opts), *(() if option.is_flag else (value,))))


def _value(parameter: click.Parameter, chance: random.Random) -> str:
    if isinstance(parameter.type, click.Path):
        return chance.choice(_FILES)
    if isinstance(parameter.type, click.Choice) and chance.random() < 0.7:
        return str(chance.choice(parameter.type.choices))
    if parameter.name in ("against", "judge", "onto", "commit"):
        return chance.choice((*_REFS, "HEAD", "nowhere"))
    return str(chance.choice(chance.choice((_NAMES, _NAMES, WORDS, CONTROLS, MARKUP, TEMPLATES, tuple(each for each in _FILES if each[:1] != "/")))))
