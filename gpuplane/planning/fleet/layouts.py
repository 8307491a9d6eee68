"""How a node or a GPU can be cut: the maximal layouts, which are all that a cheapest fleet needs to choose from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cache
from typing import TypeVar

from gpuplane.catalog.gpus import Gpu
from gpuplane.catalog.mig import mig_layout_valid

Piece = TypeVar("Piece", bound=Hashable)


def whole_gpu_slot(gpus: int) -> str:
    """The slot of a replica that has so many whole GPUs of one node: ``1 GPU``, ``4 GPUs``."""
    return f"{gpus} GPU" + ("s" if gpus > 1 else "")


@cache
def node_layouts(gpus_per_node: int, sizes: tuple[int, ...]) -> tuple[Mapping[str, int], ...]:
    """Maximal ways to share a node's whole GPUs among replicas of these sizes (GPUs each)."""
    def fits(counts: Mapping[int, int]) -> bool:
        return sum(size * count for size, count in counts.items()) <= gpus_per_node
    return tuple({whole_gpu_slot(size): count for size, count in counts.items()} for counts in _maximal(tuple(sorted(set(sizes))), fits))


def gpu_layouts(gpu: Gpu, profiles: Iterable[str]) -> tuple[Mapping[str, int], ...]:
    """Maximal MIG layouts of these profiles on one GPU, by NVIDIA's placement rule; all plain profiles together have 12."""
    return _gpu_layouts(gpu, tuple(sorted(set(profiles) & set(gpu.mig_profiles))))


@cache
def _gpu_layouts(gpu: Gpu, profiles: tuple[str, ...]) -> tuple[Mapping[str, int], ...]:
    return _maximal(profiles, lambda counts: mig_layout_valid(gpu, counts) is None)


def _maximal(pieces: tuple[Piece, ...], fits: Callable[[Mapping[Piece, int]], bool]) -> tuple[Mapping[Piece, int], ...]:
    """Every set of pieces that fits and to which no piece can be added; ``fits`` must allow less wherever it allows more."""
    found: list[dict[Piece, int]] = []

    def grow(chosen: dict[Piece, int], index: int) -> None:
        if index == len(pieces):
            if chosen and not any(fits({**chosen, piece: chosen.get(piece, 0) + 1}) for piece in pieces):
                found.append(chosen)
            return
        while not chosen or fits(chosen):
            grow(chosen, index + 1)
            chosen = {**chosen, pieces[index]: chosen.get(pieces[index], 0) + 1}

    grow({}, 0)
    return tuple(found)
