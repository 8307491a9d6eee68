"""GPU nodes that somebody else brings: nothing is created, the pool is a fact that the graph can show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class ExistingNodePoolArgs:
    """Nodes by their labels, and how many there are."""

    pool: str
    node_labels: Mapping[str, str]
    max_nodes: int


class ExistingNodePool(pulumi.ComponentResource):
    """A pool of nodes that exist already; it has no children."""

    def __init__(self, name: str, args: ExistingNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"pool": args.pool, "nodeLabels": dict(sorted(args.node_labels.items())), "maxNodes": args.max_nodes}
        super().__init__("gpuplane:index:ExistingNodePool", name, props, opts)
        self.register_outputs(props)
