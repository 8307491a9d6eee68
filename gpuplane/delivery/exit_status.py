"""Exit statuses of the command line, and the exceptions that lead to them. A contract: other tools are built on it."""

from __future__ import annotations

from typing import ClassVar

GOOD = 0
REFUSED = 1
"""Refused or violated; the report says what."""
WRONG_INPUT = 2
"""The input is wrong or a tool is missing; nothing was done."""
ENGINE_FAILED = 3


class Stop(Exception):
    """Ends a command with a message and a status; anything else that is raised is a defect."""

    status: ClassVar[int] = WRONG_INPUT


class CannotStart(Stop):
    """A tool or a setting is missing, or what was asked for does not exist; nothing was touched."""


class EngineFailed(Stop):
    """Pulumi stopped with an error; what it had applied is in the state."""

    status = ENGINE_FAILED
