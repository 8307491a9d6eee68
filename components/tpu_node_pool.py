"""TPU nodes of GKE that somebody else makes: nothing is created, the pool is a fact that the graph can show."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class TpuNodePoolArgs:
    """TPU slices.

    Attributes:
        pool: name of the pool.
        accelerator, topology: values of the labels ``cloud.google.com/gke-tpu-accelerator`` and ``…/gke-tpu-topology``.
        slices: how many slices there are.
        hosts_per_slice, chips_per_host: what a slice is made of; its hosts work only together.
    """

    pool: str
    accelerator: str
    topology: str
    slices: int
    hosts_per_slice: int
    chips_per_host: int


class TpuNodePool(pulumi.ComponentResource):
    """A pool of TPU slices that exist already; it has no children."""

    def __init__(self, name: str, args: TpuNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"pool": args.pool, "accelerator": args.accelerator, "topology": args.topology, "slices": args.slices,
                 "hostsPerSlice": args.hosts_per_slice, "chipsPerHost": args.chips_per_host}
        super().__init__("gpuplane:index:TpuNodePool", name, props, opts)
        self.register_outputs(props)
