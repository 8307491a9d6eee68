"""Who runs this: as the CI system says it, else ``GPUPLANE_ACTOR``, else the name of the login."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping

_CI = (("GITHUB_ACTIONS", "GITHUB_ACTOR"), ("GITLAB_CI", "GITLAB_USER_LOGIN"))
"""Variable that says which system this is, and the one with the name."""


def actor(variables: Mapping[str, str] | None = None) -> str:
    """Name of whoever runs this; in CI nothing but the CI system's own word counts."""
    found = os.environ if variables is None else variables
    for system, name in _CI:
        if found.get(system) == "true" and found.get(name):
            return found[name]
    return found.get("GPUPLANE_ACTOR") or getpass.getuser()
