"""``gpuplane render --verify``: whether a rendered folder is what a passing gate wrote, and still passes today.

Judged are the bytes that an engine would apply. Where the wishes are at hand they are rendered again as well, and must be the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.file_digests import digest, digest_of
from gpuplane.delivery.handoff import provenance
from gpuplane.delivery.handoff.delivery_parts import PLATFORM, TENANTS
from gpuplane.delivery.handoff.judged_with import read_judged_with
from gpuplane.delivery.handoff.provenance import part_digest
from gpuplane.delivery.preview_report import sentence
from gpuplane.delivery.redaction import NO_SECRETS

_APPLIED = (PLATFORM, TENANTS, "argo-cd", "flux", "pulumi-operator", "releases")
"""Folders whose files an engine applies: a file there that is none of ours would be applied too."""

_JUDGED = (PLATFORM, TENANTS, "argo-cd/apps/gate", "flux/gate")
"""Folders of what runs; an engine's own objects and releases are compared, and judged by what the context says of them."""


@dataclass(frozen=True)
class Verification:
    """Reasons why the folder must not be applied, in sentences; empty: it may. ``objects``: how many manifests were judged."""

    reasons: tuple[str, ...]
    objects: int
    rules: int


def verified(folder: Path, as_of: date, part: str = "", expected: str = "") -> Verification:
    """Judge a rendered folder by itself.

    Args:
        as_of: the day that exemptions and prices are judged at.
        part, expected: a part, and the digest that it must have.

    Raises:
        CannotStart: it is no rendered folder.
    """
    said = provenance.read_provenance(folder)
    if said is None:
        raise CannotStart(f"{folder} has no {provenance.FILE}: gpuplane render did not write it, so nothing says that it was judged.")
    files = {path: digest(text) for path, text in _present(folder).items()}
    reasons = [*_other_files(said["files"], files), *_other_verdict(said)]
    if part and (found := part_digest(files, part)) != expected:
        reasons.append(f"{part} has the digest {found}, not {expected or 'any'}: this is another commit than the one to be applied.")
    judged, objects, rules = _judged(folder, as_of)
    return Verification((*reasons, *judged), objects, rules)


def _other_verdict(said: Mapping[str, object]) -> Iterator[str]:
    if said.get("verdict") != "pass":
        yield f"{provenance.FILE} says that the verdict was {said.get('verdict')}."
    if said.get("digest") != digest_of(said["files"]):  # type: ignore[arg-type]
        yield f"{provenance.FILE}: its digest is not that of its files."


def _other_files(wanted: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for path in sorted({*wanted, *found}):
        if path not in found:
            yield f"{path} is not there."
        elif path not in wanted:
            yield f"{path} was not rendered, and would be applied."
        elif wanted[path] != found[path]:
            yield f"{path} is not what was rendered."


def _present(folder: Path) -> dict[str, str]:
    """Every file of the folder that an engine would apply, and the context."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file() and name != provenance.FILE and _counts(name):
            found[name] = path.read_bytes().decode("utf-8", "backslashreplace")
    return found


def _counts(name: str) -> bool:
    return name.split("/")[0] in _APPLIED if "/" in name else not name.startswith(".")


def _judged(folder: Path, as_of: date) -> tuple[list[str], int, int]:
    """What the rules say about the manifests today."""
    from gpuplane.catalog.overlay import overlaid
    from gpuplane.graph.manifests import read_manifests
    from gpuplane.graph.planned_graph import PlannedGraph
    from gpuplane.policies.finding import Verdict
    from gpuplane.policies.registry import judge

    context = read_judged_with(folder)
    views, errors = read_manifests([path for name in _JUDGED if (path := folder / name).is_dir()])
    graph = PlannedGraph((*views, *context.resources), catalog=overlaid(context.catalogs), parameters=context.policies)
    judgement = judge(graph, context.exemptions, as_of)
    said = [str(error) for error in errors]
    if judgement.verdict is not Verdict.PASS:
        said += [sentence(finding) for finding in judgement.findings if finding.blocks]
    return [NO_SECRETS.text(each) for each in said], len(views), len(judgement.rules)
