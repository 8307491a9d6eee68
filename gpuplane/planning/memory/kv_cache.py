"""The KV cache: bytes of a block, blocks of a request, and how many tokens and requests a pool of memory holds.

vLLM gives memory out in blocks. Layers of one kind form groups of equal size, padded where they do not divide; one block of a
group holds ``block_size`` tokens of all its layers (vLLM ``v1/core/kv_cache_utils.py``). A sliding or chunked layer keeps its window and
what one step adds; a linear layer one state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gpuplane.catalog.engines import EngineMemory
from gpuplane.catalog.models import AttentionLayers, LinearState
from gpuplane.planning.memory.request import FitRequest

BLOCK_TOKENS = 16
"""Tokens of a block where nobody says (vLLM default)."""
TYPICAL_LENGTH = 131_072
"""Longest context, in tokens, that figures stand for where nobody says one."""
_STATES_PER_REQUEST = 2
"""States that a linear layer keeps for a request with prefix caching on: the running one and the last aligned one."""
_DSA_FP8_VECTOR_BYTES = 656
"""A compressed vector in fp8 with sparse attention: 512 in fp8, 4 float32 scales, 64 rotary in 16 bits (FlashMLA)."""
_DSA_INDEX_SCALE_BYTES = 4


@dataclass(frozen=True)
class Group:
    """One group of layers.

    Attributes:
        kind: kind of attention.
        block_tokens: tokens of one block.
        window: tokens it looks back; 0: all.
    """

    kind: str
    block_tokens: int
    window: int


@dataclass(frozen=True)
class KvCache:
    """How one rank lays out its cache.

    Attributes:
        block_bytes: bytes of a block of any group: all its layers together.
        groups: the groups; each request takes blocks of every one.
        bytes_per_token: of all layers that keep every token; for the report.
        states: blocks of a linear group for a request.
    """

    block_bytes: int
    groups: tuple[Group, ...]
    bytes_per_token: int
    states: int

    def blocks(self, pool_bytes: float) -> int:
        """Blocks that so many bytes hold."""
        return max(0, int(pool_bytes // self.block_bytes)) if self.block_bytes else 0

    def blocks_per_request(self, tokens: int, batched_tokens: int) -> int:
        """Blocks of a request of so many tokens, while a step may add ``batched_tokens``."""
        return sum(self._of_group(group, tokens, batched_tokens) for group in self.groups)

    def concurrency(self, pool_bytes: float, tokens: int, batched_tokens: int) -> float:
        """Requests of so many tokens that fit at once; below 1 not even one does."""
        needed = self.blocks_per_request(tokens, batched_tokens)
        return self.blocks(pool_bytes) / needed if needed else float("inf")

    def tokens(self, pool_bytes: float, length: int | None, batched_tokens: int, as_concurrency: bool) -> float:
        """What the start-up logs as "GPU KV cache size".

        Args:
            length: the longest context.
            as_concurrency: newer releases print concurrency × length; older ones blocks of a group × tokens of a block.
        """
        if not self.groups:
            return 0.0
        if as_concurrency and len(self.groups) > 1:
            return self.concurrency(pool_bytes, length or TYPICAL_LENGTH, batched_tokens) * (length or TYPICAL_LENGTH)
        return self.blocks(pool_bytes) // len(self.groups) * min(group.block_tokens for group in self.groups)

    def longest(self, pool_bytes: float, batched_tokens: int) -> int:
        """The longest context of which one request fits, in tokens; 0: none."""
        low, high = 0, 1 << 26
        blocks = self.blocks(pool_bytes)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.blocks_per_request(middle, batched_tokens) <= blocks else (low, middle - 1)
        return low

    def _of_group(self, group: Group, tokens: int, batched_tokens: int) -> int:
        if group.kind == "linear":
            return self.states
        if group.kind == "sliding":
            kept = min(group.window - 1 + batched_tokens, tokens)
            return _ceil(kept, group.block_tokens) + 1
        if group.kind == "chunked":
            return _ceil(min(group.window + batched_tokens, tokens), group.block_tokens)
        return _ceil(tokens, group.block_tokens)


def kv_cache(request: FitRequest, engine: EngineMemory) -> KvCache:
    """The layout on one rank of the fullest pipeline stage."""
    if not request.model.generates:
        return KvCache(0, (), 0, 0)
    layers = [_stage(group, request.pipeline_parallel_size) for group in request.model.attention]
    sizes = {index: _token_bytes(request, group, engine) for index, group in enumerate(layers)}
    keeps_all = sum(group.count * sizes[index] for index, group in enumerate(layers) if group.kind in ("full", "mla"))
    states = _STATES_PER_REQUEST + request.speculative_tokens
    block = request.block_size or BLOCK_TOKENS
    if not engine.padded_layer_groups or len(layers) == 1:
        each = sum(group.count * sizes[index] for index, group in enumerate(layers))
        whole = len(layers) > 1 or layers[0].kind not in ("sliding", "chunked")
        kept = Group("full" if whole or not engine.padded_layer_groups else layers[0].kind, block, layers[0].window)
        return KvCache(each * block, (kept,), keeps_all or each, states)
    largest = max(sizes[index] for index, group in enumerate(layers) if group.kind != "linear")
    if any(group.kind == "linear" for group in layers) and request.model.linear is not None:
        state = state_bytes(request.model.linear, request.tensor_parallel_size)
        block = _ceil(_ceil(state, largest), block) * block  # attention blocks grow until a state fits into one
    size = _group_size([group.count for group in layers])
    return KvCache(largest * block * size, tuple(_groups(layers, sizes, largest, block, size)), keeps_all, states)


def state_bytes(state: LinearState, tensor_parallel_size: int) -> int:
    """Bytes of one linear layer's state on one rank: a float32 matrix for each value head, and the convolution's inputs in 16 bits."""
    values = max(1, state.value_heads // tensor_parallel_size)
    keys = max(1, state.key_heads // tensor_parallel_size)
    convolution = (2 * keys * state.key_dim + values * state.value_dim) * (state.conv_kernel - 1) * 2
    return values * state.value_dim * state.key_dim * 4 + convolution


def _groups(layers: list[AttentionLayers], sizes: dict[int, int], largest: int, block: int, size: int) -> Iterator[Group]:
    for index, group in enumerate(layers):
        tokens = block if group.kind == "linear" else block * max(1, largest // sizes[index])
        for _ in range(_ceil(group.count, size)):
            yield Group(group.kind, tokens, group.window)


def _group_size(counts: list[int]) -> int:
    """Layers of a group: the rarest kind's number, or the commonest's where that is at most a quarter more (vLLM)."""
    return max(counts) if max(counts) < 1.25 * min(counts) else min(counts)


def _token_bytes(request: FitRequest, group: AttentionLayers, engine: EngineMemory) -> int:
    """Bytes of one token in one layer of one rank."""
    if group.kind == "linear":
        return 0
    element = 1 if (request.kv_cache_dtype or "auto").startswith(("fp8", "int8")) else request.scalar_bytes
    if group.kind == "mla":
        return _mla_bytes(request, group, engine, element)
    heads = max(1, _ceil(group.kv_heads, request.tensor_parallel_size))
    return 2 * heads * group.head_dim * element


def _mla_bytes(request: FitRequest, group: AttentionLayers, engine: EngineMemory, element: int) -> int:
    """A compressed vector is the same on every rank; sparse attention keeps an index beside it."""
    padding = engine.mla_padding
    vector = (_ceil(group.head_dim, padding) * padding if padding else group.head_dim) * element
    index = request.model.index_head_dim
    if index:
        vector = _DSA_FP8_VECTOR_BYTES if element == 1 else vector
        return vector + index + _DSA_INDEX_SCALE_BYTES
    return vector


def _stage(group: AttentionLayers, stages: int) -> AttentionLayers:
    count = _ceil(group.count, stages)
    return AttentionLayers(group.kind, count, group.kv_heads, group.head_dim, group.window)


def _ceil(value: int, by: int) -> int:
    return -(-value // by)
