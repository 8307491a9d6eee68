"""What a replica needs of its host: memory, shared memory, disk, and time to load before the start-up probe gives up."""

from __future__ import annotations

from dataclasses import dataclass

from gpuplane.planning.memory.fit import Fit
from gpuplane.planning.memory.interval import Interval
from gpuplane.planning.memory.request import GIB

_PROCESS_GIB = Interval(1.5, 3.0, 6.0)
"""Host memory of one rank: Python, PyTorch, CUDA context and buffers of the loader. An assumption, not a measurement of ours."""
_FRONT_END_GIB = Interval(1.0, 2.0, 4.0)
"""The same of the API server process and the tokenizer."""
_RING_GIB = 0.25
"""Shared memory between ranks: message queue and NCCL buffers of each."""
_IMAGE_GIB = 12.0
"""Unpacked engine image on the node's disk, by order of magnitude."""
_GIGABYTE = 1e9
_BEST_BYTES_PER_SECOND = 12.5 * _GIGABYTE
"""Weights come from storage no faster than this, 100 Gbit/s; where the node has less network, no faster than that."""
_USUAL_BYTES_PER_SECOND = 0.5 * _GIGABYTE
"""From a model hub or bucket to GPU memory as a rule; an assumption that the report names."""
_SLOW_BYTES_PER_SECOND = 0.1 * _GIGABYTE
WARM_UP_SECONDS = Interval(20.0, 60.0, 300.0)
"""Profile, compilation and graph capture."""


@dataclass(frozen=True)
class HostNeeds:
    """What one replica needs of its host.

    Attributes:
        memory_gib: host memory without shared memory.
        shared_memory_gib: ``/dev/shm``; 0 for one rank.
        disk_gib: weights and image.
        weights_gib: weights as they are downloaded.
        load_seconds: from the start of the download to the first answer.
    """

    memory_gib: Interval
    shared_memory_gib: float
    disk_gib: Interval
    weights_gib: float
    load_seconds: Interval


def host_needs(answer: Fit, network_gbps: float | None = None) -> HostNeeds:
    """What the replica of an answer needs.

    Args:
        answer: how it fits its GPUs.
        network_gbps: the node's network in Gbit/s; None where it is not known.
    """
    request = answer.request
    ranks = request.tensor_parallel_size * request.pipeline_parallel_size
    whole = answer.weights_gib * (ranks * request.undivided)
    ranks = request.ranks_per_pod or ranks
    size = max(0.0, whole.expected)
    best = min(_BEST_BYTES_PER_SECOND, network_gbps / 8 * _GIGABYTE) if network_gbps is not None else _BEST_BYTES_PER_SECOND
    load = Interval(max(0.0, whole.low) * GIB / best, size * GIB / min(best, _USUAL_BYTES_PER_SECOND),
                    whole.high * GIB / min(best, _SLOW_BYTES_PER_SECOND)) + WARM_UP_SECONDS
    return HostNeeds(
        memory_gib=_PROCESS_GIB * ranks + _FRONT_END_GIB, shared_memory_gib=0.0 if ranks == 1 else _RING_GIB * ranks,
        disk_gib=whole + Interval.around(_IMAGE_GIB, 4.0, 8.0), weights_gib=size, load_seconds=load)
