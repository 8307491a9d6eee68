"""The consequences: what follows from the wish and the facts, with a proof for each figure and a refusal for each no."""

from gpuplane.planning.planner import plan

__all__ = ["plan"]
