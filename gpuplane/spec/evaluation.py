"""Evidence: what was measured of a release, and who agreed to it. Documents are called by the digest of what they say.

They lie in ``evidence/`` beside the environments, shared by all of them: a release is evaluated once and may move to many.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from gpuplane.spec.llm_inference_service import LoraAdapters
from gpuplane.spec.model import DnsLabel, Document, IsoDate, Metadata, SpecModel
from gpuplane.spec.promotion import MeasureName
from gpuplane.spec.release import Release

EVIDENCE_FOLDER = "evidence"
"""Folder beside the environments' folders that holds the documents, each called ``sha256-….yaml``."""
RESULTS_FOLDER = "results"
"""Folder in it that holds raw result files that were kept, each called ``sha256-….json``."""
Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
"""A digest, ``sha256:`` and 64 hexadecimal digits."""
ServiceName = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?/[a-z]([-a-z0-9]{0,38}[a-z0-9])?$")]
"""``TENANT/SERVICE``."""
ShortText = Annotated[str, Field(max_length=400)]


def content_digest(document: Mapping[str, Any]) -> str:
    """``sha256:…`` of what a document says: of kind, version and spec as JSON with sorted keys and no white space."""
    said = {key: document[key] for key in ("apiVersion", "kind", "spec")}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class ContentName(Metadata):
    """The document is called by its content."""

    name: Annotated[str, Field(pattern=r"^sha256-[0-9a-f]{64}$")]
    """Digest of kind, version and spec; the file is called after it."""


class EvaluatedMeasure(SpecModel):
    """One figure with its 95 % interval."""

    value: float
    """The figure as the result file says it."""
    low: float | None = None
    """Lower end of its interval; left out where the file cannot give one."""
    high: float | None = None
    """Upper end."""
    samples: Annotated[int, Field(ge=0)]
    """How many questions or requests it rests on."""
    interval: Literal["wilson", "standard error", "order statistics", "none"]
    """How the interval was got."""
    better: Literal["higher", "lower"]
    """Which way is good."""


class EvaluationResult(SpecModel):
    """One raw result file."""

    digest: Sha256
    """Of its bytes."""
    format: Literal["lm-evaluation-harness", "vllm-bench-serve", "generic"]
    """What wrote it."""
    measured_on: IsoDate
    """The day the file speaks of."""
    stored_at: ShortText = ""
    """Where the raw file is kept, e.g. a bucket; empty where nobody said."""
    says: dict[str, ShortText] = Field(default_factory=dict)
    """What the file itself says that was measured: ``model``, ``revision``, ``image``; the rest is the word of who added it."""
    conditions: dict[str, ShortText] = Field(default_factory=dict)
    """How it was measured (load, shots, versions of tasks); figures are compared only where these are equal."""
    measures: dict[MeasureName, EvaluatedMeasure]
    """Its figures by name."""


class EvaluatedPlatform(SpecModel):
    """What it ran on, beside the release."""

    gpuplane: Annotated[str, Field(min_length=1, max_length=60)]
    """Version of gpuplane, whose components made the objects."""
    rules: Sha256
    """Digest of the rules that judged it."""
    charts: dict[Annotated[str, Field(pattern=r"^[a-z0-9_.]+$")], ShortText] = Field(default_factory=dict)
    """Versions of what is installed, by the block of ``environment.yaml``."""
    gpu: ShortText
    """GPU model, with the MIG profile if there is one."""
    devices_per_replica: Annotated[int, Field(ge=1)]
    """GPUs or MIG devices of one replica."""


class EvaluationSpec(SpecModel):
    """What was evaluated, where, and what came out."""

    environment: DnsLabel
    """Where it ran."""
    service: ServiceName
    """Which service, as ``TENANT/SERVICE``."""
    release: Release
    """Exactly what ran: model and revision, image, engine arguments."""
    lora: LoraAdapters | None = None
    """Adapters beside it."""
    platform: EvaluatedPlatform
    results: Annotated[tuple[EvaluationResult, ...], Field(min_length=1, max_length=50)]
    """The raw files, by digest."""


class Evaluation(Document[Literal["Evaluation"], EvaluationSpec]):
    """Evidence of one release (``evidence/sha256-….yaml``); ``gpuplane evidence add`` writes it."""

    metadata: ContentName


class ApprovalSpec(SpecModel):
    """That somebody agrees to a release in an environment."""

    environment: DnsLabel
    """Where it may run."""
    service: ServiceName
    """Which service, as ``TENANT/SERVICE``."""
    release: Sha256
    """Digest of the release and its adapters, as ``gpuplane promote`` says it."""
    approved_by: Annotated[str, Field(min_length=3, max_length=200)]
    """Who: the address that they commit with; the commit that adds this document must be theirs."""
    approved_on: IsoDate
    """The day they agreed."""
    note: ShortText = ""
    """What they say about it."""


class Approval(Document[Literal["Approval"], ApprovalSpec]):
    """An approval (``evidence/sha256-….yaml``); ``gpuplane evidence approve`` writes it."""

    metadata: ContentName
