"""Who runs this: as the CI system says it, else ``GPUPLANE_ACTOR``, else the name of the login."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gpuplane.delivery.audit.identity import who_from_environment
from gpuplane.delivery.audit.log import who_runs_this


def actor(variables: Mapping[str, str] = os.environ) -> str:
    """Name of whoever runs this; in CI nothing but the CI system's own word counts."""
    said = who_from_environment(variables, "")
    if said.proof != "none":
        return said.name
    return variables.get("GPUPLANE_ACTOR") or who_runs_this().name
