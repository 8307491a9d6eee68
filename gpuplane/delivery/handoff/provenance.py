"""Where manifests come from, stored beside them: the engine, the digest of every input, the rules, the facts, and the verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from gpuplane import __version__
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.file_digests import digest, digest_of, digests_below
from gpuplane.delivery.json_file import object_in

SCHEMA_VERSION = 1
FILE = "gpuplane.json"
"""Its file, beside the manifests."""
GATE_FILE = "gpuplane-gate.yaml"
"""The gate of a part, beside its manifests and none of them."""
_MOST_BYTES = 20_000_000


@dataclass(frozen=True)
class Provenance:
    """What was rendered from what, by what, and what the gate said.

    Attributes:
        gpuplane: version of the engine.
        as_of: the day it was first judged so.
        verdict: ``pass``; nothing else is rendered.
        commit: of the wishes, where it was told; empty otherwise.
        inputs: digest of each document by its path below the environments' folder.
        rules: how many ran, and one digest over all of them.
        catalogue: digest over the shipped facts; the user's own are inputs.
        waived: sentences about what exemptions let pass.
        not_rendered: what no Kubernetes engine applies, by URN.
        files: digest of every file that was written beside it.
    """

    environment: str
    as_of: str
    verdict: str
    commit: str
    inputs: Mapping[str, str]
    rules: Mapping[str, Any]
    catalogue: Mapping[str, Any]
    waived: tuple[str, ...]
    not_rendered: tuple[str, ...]
    files: Mapping[str, str]
    gpuplane: str = __version__
    schema_version: int = field(default=SCHEMA_VERSION)

    def to_json(self) -> str:
        """As text: keys sorted, two spaces."""
        return json.dumps({**asdict(self), "digest": digest_of(self.files)}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def part_digest(files: Mapping[str, str], part: str) -> str:
    """One digest over the manifests of a part, by their digests; of ``.`` over all parts. The gate's own file counts for nothing."""
    inside = ("platform/", "tenants/") if part == "." else (f"{part}/",)
    return digest_of({path: each for path, each in files.items() if path.startswith(inside) and Path(path).name != GATE_FILE})


def input_digests(environments: Path, environment: str) -> dict[str, str]:
    """Digest of each document of an environment and of what all of the folder share, by path below the folder."""
    from gpuplane.spec.catalog_files import catalog_files, runtime_files
    from gpuplane.spec.document_files import document_files

    documents, shared = document_files(environments / environment)[0], catalog_files(environments)[0]
    runtimes = runtime_files(environments)[0]
    found = {f"{environment}/{each.relative}": Path(each.path) for each in documents}
    found.update({each.relative.removeprefix("../"): Path(each.path) for each in (*shared, *runtimes)})
    return {name: digest(found[name].read_bytes()) for name in sorted(found)}


def catalogue_digest() -> dict[str, Any]:
    """A digest over the shipped facts, and the newest day that one of their sources speaks of."""
    from gpuplane.catalog.data_files import sources

    return {"as_of": max(each.as_of for each in sources().values()).isoformat(),
            "digest": digest_of(digests_below(files("gpuplane.catalog") / "data"))}


def read_provenance(folder: Path) -> dict[str, Any] | None:
    """What a former run stored; None where there is nothing.

    Raises:
        CannotStart: the file is none of ours.
    """
    path = folder / FILE
    try:
        if not path.exists():
            return None
        if path.is_symlink():
            raise ValueError("a link")
        found = object_in(path, _MOST_BYTES)
        if found.get("schema_version") != SCHEMA_VERSION or not isinstance(found.get("files"), dict):
            raise ValueError(f"no provenance of schema version {SCHEMA_VERSION}")
    except (OSError, ValueError) as error:
        raise CannotStart(f"{path} is not what gpuplane render wrote: {error}. Choose another folder.") from None
    return found


def settled_day(former: Mapping[str, Any] | None, new: Provenance, as_of: date) -> Provenance:
    """The same with the former day where nothing else differs: rendering again on another day changes nothing."""
    from dataclasses import replace

    if former is None:
        return new
    told = json.loads(replace(new, as_of=str(former.get("as_of"))).to_json())
    return replace(new, as_of=str(former["as_of"])) if told == former and str(former["as_of"]) <= as_of.isoformat() else new
