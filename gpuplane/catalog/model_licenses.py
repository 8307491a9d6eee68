"""Under which licence weights are published: rows by repository, never a guess from its name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from gpuplane.catalog.data_files import read_rows


@cache
def load_model_licenses() -> Mapping[str, str]:
    """Licence by repository (``ORG/MODEL`` of huggingface.co), as model cards spell it, e.g. ``apache-2.0``."""
    return {row["repository"]: row["license"] for row in read_rows("model_licenses.tsv")}
