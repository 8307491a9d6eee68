"""The index of a copy of state: which stacks it holds, with digest and size; written last, so a folder without one is no copy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.json_file import read_object
from gpuplane.delivery.whole_file import write_whole
from gpuplane.spec.errors import dotted, listed, shown

INDEX = "index.json"
_LARGEST = 16 * 1024 * 1024


class Row(BaseModel):
    """One stack: the digest of its file, and how many resources it holds."""

    digest: str
    resources: int


class Index(BaseModel):
    """What a copy holds, and when it was made."""

    kind: Literal["gpuplane-state-copy"]
    schema_version: Literal[1]
    environment: str
    at: str = ""
    stacks: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$")], Row]


def write_index(folder: Path, environment: str, at: str, stacks: Mapping[str, Row]) -> None:
    """Make a copy of the files that lie in a folder.

    Raises:
        OSError: the folder takes no more.
    """
    index = Index(kind="gpuplane-state-copy", schema_version=1, environment=environment, at=at, stacks=dict(stacks))
    write_whole(folder / INDEX, json.dumps(index.model_dump(), indent=2, sort_keys=True) + "\n", 0o600)


def read_index(folder: Path, environment: str) -> Index:
    """What a copy of an environment's state holds.

    Raises:
        CannotStart: it cannot be read, is damaged, or another environment's.
    """
    file = folder / INDEX
    try:
        found = Index.model_validate(read_object(file, _LARGEST))
    except ValidationError as error:
        wrong = listed(sorted(f"{dotted(one['loc'])[:200]}: {one['msg']}" for one in error.errors(include_url=False)))
        raise CannotStart(f"{file} is no copy of state: {wrong}. Make one with `gpuplane state backup`.") from None
    if found.environment != environment:
        raise CannotStart(f"{file} is no copy of the state of {environment}, but of {shown(found.environment)}. Check the path.")
    return found
