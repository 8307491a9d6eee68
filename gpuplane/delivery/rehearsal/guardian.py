"""A process beside a rehearsal on somebody's cluster, which cleans up where the rehearsal ended without having done so: by kill -9, say.

It waits at a pipe. The kernel closes the other end with the rehearsal, however that ends; one that has cleaned up itself says so before. It
looks after one rehearsal: once another one is noted on the cluster, or none, somebody else has cleaned, and it does nothing more.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gpuplane.delivery.command_line import errors, say

_ENDED = b"ended"


@contextmanager
def guarded(kubeconfig: Path | None, context: str | None, run: str) -> Iterator[None]:
    """Inside, the end of this process does not leave anything on the cluster.

    Args:
        kubeconfig, context: of the cluster, as :class:`ApiServer` takes them.
        run: the rehearsal, as :func:`begin` names it.
    """
    command = [sys.executable, "-m", __name__, run, str(kubeconfig or ""), context or ""]
    # A session of its own: Ctrl-C is for the rehearsal, which then cleans up itself.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True) as guardian:
        try:
            yield
        finally:
            assert guardian.stdin is not None
            with suppress(BrokenPipeError):  # somebody ended it
                guardian.stdin.write(_ENDED)
                guardian.stdin.flush()


def _guard(run: str, kubeconfig: str, context: str) -> None:
    if sys.stdin.buffer.read() == _ENDED:
        return
    with errors():
        from gpuplane.delivery.rehearsal.api_server import ApiServer
        from gpuplane.delivery.rehearsal.rehearsal import clean_up

        say("the rehearsal was killed: removing what it made")
        clean_up(ApiServer(Path(kubeconfig) if kubeconfig else None, context or None), say, run)


if __name__ == "__main__":
    _guard(*sys.argv[1:])
