"""A rehearsal that is told to end becomes an exception, once."""

from __future__ import annotations

import os
import signal

import pytest

from gpuplane.delivery.exit_status import ENGINE_FAILED
from gpuplane.delivery.rehearsal.interruption import Interrupted, ending_well


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_the_next_does_not_end_the_cleaning(number: signal.Signals) -> None:
    former, cleaned = signal.getsignal(number), list[bool]()

    def work() -> None:
        with ending_well():
            try:
                os.kill(os.getpid(), number)
            finally:
                os.kill(os.getpid(), number)
                cleaned.append(True)

    with pytest.raises(Interrupted, match=number.name) as raised:
        work()

    assert cleaned
    assert raised.value.status == ENGINE_FAILED
    assert signal.getsignal(number) == former
