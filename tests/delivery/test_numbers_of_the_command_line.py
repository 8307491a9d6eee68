"""Numbers that are none: no option of any command takes NaN or an infinity, of which every comparison with a limit may be false."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from gpuplane.cli import cli
from gpuplane.delivery.command_line import Number

NO_NUMBERS = ("nan", "-NaN", "inf", "-inf", "Infinity", "1e999")


def _options(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Option]]:
    """Every option of every command that takes a number with a fraction, whatever its type is called."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _options(below, (*path, name))
    for parameter in command.params:
        if isinstance(parameter, click.Option) and isinstance(parameter.type, type(click.FLOAT)):
            yield path, parameter


OPTIONS = tuple(_options(cli))


def test_all_such_options_are_of_the_one_type() -> None:
    assert {"--wait-for-lock", "--limit", "--budget-usd-per-month", "--parameters"} <= {option.opts[0] for _, option in OPTIONS}
    assert [(path, option.opts) for path, option in OPTIONS if not isinstance(option.type, Number)] == []


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize(("path", "name"), [(path, option.opts[0]) for path, option in OPTIONS])
def test_what_is_no_number_is_refused(path: tuple[str, ...], name: str, value: str) -> None:
    done = CliRunner().invoke(cli, [*path, f"{name}={value}"])

    assert done.exit_code == 2, done.output
    assert f"Invalid value for '{name}': '{value}' is not a finite number; give one in digits." in " ".join(done.output.split())


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("1e-3", 0.001), ("300", 300.0)])
def test_numbers_are_taken(text: str, number: float) -> None:
    assert Number(min=0).convert(text, None, None) == number


@pytest.mark.parametrize("text", ["-1", "11", "ten", ""])
def test_a_range_and_digits_are_still_asked_for(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Number(0, 10).convert(text, None, None)
