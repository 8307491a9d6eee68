"""Where the programs of a control plane are: ``KUBEBUILDER_ASSETS``, as envtest has it, then PATH."""

from __future__ import annotations

import os
import shutil

from gpuplane.delivery.exit_status import CannotStart

REQUIRED = ("etcd", "kube-apiserver")
"""Without these there is no control plane."""
OPTIONAL = ("kube-controller-manager", "kube-scheduler", "kwok")
"""Without these nothing runs on it."""
MANAGERS = ("kueue-manager", "kserve-manager", "kserve-llmisvc")
"""Without these nobody acts on their kinds."""


def program(name: str) -> str | None:
    """Path of a program; None where it is not there."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    return shutil.which(name, path=os.pathsep.join(filter(None, (assets, os.environ.get("PATH")))))


def require_programs() -> tuple[str, ...]:
    """Names of the programs that are there.

    Raises:
        CannotStart: one without which nothing can be rehearsed is not.
    """
    missing = [name for name in (*REQUIRED, *OPTIONAL) if program(name) is None]
    if missing:
        raise CannotStart(f"--local needs {', '.join(missing)} in KUBEBUILDER_ASSETS or on PATH. `setup-envtest use -p env` brings etcd "
                          "and kube-apiserver; kube-controller-manager, kube-scheduler and kwok are on their projects' release pages.")
    return tuple(name for name in (*REQUIRED, *OPTIONAL, *MANAGERS) if program(name) is not None)
