"""Data drift: a job that compares samples of what a model gets now with samples of what it was made for."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from gpuplane.spec.model import ImageDigest, SpecModel
from gpuplane.spec.objectives import Percent

SamplePrefix = Annotated[str, StringConstraints(
    pattern=r"^s3://[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]/[A-Za-z0-9][-A-Za-z0-9._/=]*$", max_length=400)]
"""Parquet files below a prefix of a bucket, e.g. ``s3://acme-samples/chat/reference``."""


class Drift(SpecModel):
    """A CronJob in the tenant's namespace with Evidently's test of each column; it uses no GPU. Refused where the data is personal.

    gpuplane samples nothing: something else writes the files, with features and predictions as columns and no payloads. The
    job fails, and so alerts, when more columns drifted than ``drifted_columns_percent``.
    """

    image: ImageDigest
    """Image with Python, ``evidently`` 0.7, ``pandas`` 2, ``pyarrow`` and ``s3fs``, by digest, from an allowed registry."""
    reference: SamplePrefix
    """Samples that the model was made or approved with."""
    current: SamplePrefix
    """Samples of now; what writes them replaces them before each run."""
    schedule: Annotated[str, Field(pattern=r"^(\S+\s+){4}\S+$", max_length=60)] = "17 3 * * *"
    """When it runs, as cron writes it, in UTC."""
    drifted_columns_percent: Percent = Decimal(50)
    """More drifted columns than this are drift of the data (Evidently's default: half)."""
    cpu: Annotated[int, Field(ge=1, le=32)] = 1
    """CPU cores requested."""
    memory_gib: Annotated[int, Field(ge=1, le=128)] = 4
    """Memory requested and at most used, in GiB; both samples must fit."""
