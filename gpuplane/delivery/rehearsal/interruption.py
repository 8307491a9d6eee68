"""Signals that end a rehearsal become an exception, so that it cleans up behind itself; a second one is not heard until it has."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gpuplane.delivery.ending_signals import ENDING, heard
from gpuplane.delivery.exit_status import ENGINE_FAILED, Stop


class Interrupted(Stop):
    """The rehearsal was told to end."""

    status = ENGINE_FAILED


@contextmanager
def ending_well() -> Iterator[None]:
    """Inside, SIGTERM, SIGINT and SIGHUP raise :class:`Interrupted` once."""
    def told(number: int, _frame: Any) -> None:
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(f"ended by {signal.Signals(number).name}; what the rehearsal had made is removed.")

    with heard(told):
        yield
