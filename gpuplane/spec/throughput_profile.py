"""``kind: ThroughputProfile``: what one replica of a model serves on one GPU, as somebody measured or published it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gpuplane.spec.model import DnsLabel, Document, IsoDate, MigProfile, Positive, SpecModel
from gpuplane.spec.objectives import Milliseconds


class MeasuredPoint(SpecModel):
    """One load that was tried, and how fast it was served."""

    requests_per_second: Positive
    """Requests served in a second by one replica."""
    output_tokens_per_second: Positive | None = None
    """Tokens answered in a second by one replica."""
    ttft_ms: Milliseconds | None = None
    """Time to the first token."""
    time_per_output_token_ms: Milliseconds | None = None
    """Time for each token after the first."""
    latency_ms: Milliseconds | None = None
    """Time of a whole request."""
    evidence: Annotated[str | None, Field(pattern=r"^sha256:[0-9a-f]{64}$")] = None
    """Digest of the result file it was read from."""


class MeasuredSize(SpecModel):
    """Requests of one size, at several loads."""

    input_tokens: Annotated[int | None, Field(ge=1, le=16_777_216)] = None
    """Tokens of a prompt; left out where requests have no tokens."""
    output_tokens: Annotated[int | None, Field(ge=1, le=16_777_216)] = None
    """Tokens of an answer."""
    points: Annotated[tuple[MeasuredPoint, ...], Field(min_length=1, max_length=1000)]
    """Loads tried, in any order."""


class ThroughputProfileSpec(SpecModel):
    """One model on one kind of GPU with one engine."""

    model: Annotated[str, Field(min_length=3, max_length=400)]
    """The model as services name it, without a revision: ``hf://ORG/MODEL``, ``oci://REPOSITORY``."""
    gpu: Annotated[str, Field(min_length=1, max_length=60)]
    """GPU model, a name of the GPU catalogue."""
    profile: MigProfile | None = None
    """MIG profile, where it ran on a part of the GPU."""
    devices_per_replica: Annotated[int, Field(ge=1, le=64)] = 1
    """GPUs of one replica."""
    engine: DnsLabel
    """What served it: the name of a runtime, e.g. ``vllm``."""
    engine_version: Annotated[str, Field(min_length=1, max_length=40)]
    """Version of the engine."""
    provenance: Literal["measured", "published"]
    """``measured``: by us, with the digests of the result files; ``published``: by others, with a source."""
    source: Annotated[str, Field(min_length=3, max_length=400)]
    """Who says so, where."""
    as_of: IsoDate
    """Day of the measurement or publication."""
    request_sizes: Annotated[tuple[MeasuredSize, ...], Field(min_length=1, max_length=64)]
    """What was tried."""


class ThroughputProfileDocument(Document[Literal["ThroughputProfile"], ThroughputProfileSpec]):
    """Throughput of one model on one GPU (``throughput/<name>.yaml``)."""
