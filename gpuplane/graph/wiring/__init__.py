"""The wiring proof: what each planned object points at, and whether it is there, judged on the objects before apply.

A link has two ends and a state. *Dangling* is proven: the objects tell what there is in that place, and what the link needs is
not among it. Where they tell nothing, the far end may be in the cluster already, and nothing is claimed.
"""

from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.proof import chain, dangling, links

__all__ = ["Link", "Relation", "State", "chain", "dangling", "links"]
