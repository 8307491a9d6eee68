"""Signals that would end the process: Ctrl-C, a cancelled CI job and a closed terminal."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def heard(told: Callable[[int, Any], object]) -> Iterator[None]:
    """While this lasts, ``told`` is called with such a signal and where it came, instead of the end; only in the main thread."""
    former = {number: signal.signal(number, told) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
