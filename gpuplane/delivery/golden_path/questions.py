"""What a command needs to know: taken from its flags, asked for on a terminal, or named all at once where neither is there."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from gpuplane.delivery.exit_status import CannotStart


@dataclass(frozen=True)
class Question:
    """One thing to know.

    Attributes:
        name: of the answer, and of the flag with hyphens for underscores.
        text: the question.
        default: taken where nobody is asked, and offered where somebody is; None: there is none.
        type: of the answer.
        optional: may stay without an answer.
    """

    name: str
    text: str
    default: Any = None
    type: Any = str
    optional: bool = False

    @property
    def flag(self) -> str:
        """The flag that answers it."""
        return f"--{self.name.replace('_', '-')}"


def answered(given: Mapping[str, Any], questions: Sequence[Question], ask: bool | None = None) -> dict[str, Any]:
    """An answer to every question.

    Args:
        given: answers from flags; None where a flag was left out.
        ask: ask for what is not given; None: where there is a terminal.

    Raises:
        CannotStart: nobody can be asked, and answers are missing; it names all of them.
    """
    asking = sys.stdin.isatty() if ask is None else ask
    found = {question.name: _answer(given.get(question.name), question, asking) for question in questions}
    missing = [question for question in questions if found[question.name] is None and not question.optional]
    if missing:
        listed = "\n".join(f"  {question.flag}: {question.text}" for question in missing)
        raise CannotStart(f"there is nobody to ask, and these are not given:\n{listed}\nGive them as flags, or run it on a terminal.")
    return {**given, **found}


def _answer(value: Any, question: Question, asking: bool) -> Any:
    if value not in (None, ()):
        return value
    if not asking or (question.optional and question.default is None):
        return question.default
    return click.prompt(question.text, default=question.default, type=question.type, err=True)
