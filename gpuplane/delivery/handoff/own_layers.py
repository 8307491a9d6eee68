"""Which layers gpuplane itself applies where an engine delivers an environment: two that write the same fields fight over them."""

from __future__ import annotations

from collections.abc import Sequence

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.spec.environment_spec import EnvironmentSpec


def require_own(spec: EnvironmentSpec, layers: Sequence[str]) -> None:
    """Return only if no engine applies any of these layers; the Pulumi operator runs the same program on the same state, and may.

    Raises:
        CannotStart: Argo CD or Flux does.
    """
    engine = spec.environment.spec.delivered_by
    if engine is None or engine.pulumi_operator is not None:
        return
    theirs = [layer for layer in layers if layer != "cluster"]
    if theirs:
        own = f" `gpuplane up {spec.name} --layer cluster` applies what is left to it." if "cluster" in spec.layers else ""
        name = "Argo CD" if engine.argo_cd else "Flux"
        raise CannotStart(f"{name} delivers {' and '.join(theirs)} of {spec.name} (delivered_by): render and commit, with"
                          f" `gpuplane render {spec.name} --out {engine.source.path}`.{own}")
