"""An environment's rendered folder as texts by path: manifests, the engine's objects, the gate, context and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gpuplane.delivery.exit_status import REFUSED, Stop
from gpuplane.delivery.file_digests import digest
from gpuplane.delivery.handoff import argo_cd, flux, judged_with, pulumi_operator
from gpuplane.delivery.handoff import provenance as provenances
from gpuplane.delivery.handoff.delivery_parts import DeliveryParts, annotated, delivery_parts, waves
from gpuplane.delivery.handoff.judged_with import JudgedWith
from gpuplane.delivery.handoff.known_outputs import Outputs, with_outputs
from gpuplane.delivery.handoff.provenance import GATE_FILE, Provenance, part_digest
from gpuplane.delivery.manifests import HEADER, object_paths, object_yaml
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.rules_digest import rules_digest
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.delivered_by import DeliveredBy
from gpuplane.spec.environment_spec import EnvironmentSpec

NOT_RENDERED = "NOT-RENDERED.txt"
"""Names what no Kubernetes engine applies."""
OUTPUTS = "known-outputs.json"
"""The values of ``--outputs``, so that whoever renders again has them."""


class NotRenderable(Stop):
    """Parts of objects are not known, or secret; nothing was rendered."""

    status = REFUSED


@dataclass(frozen=True)
class Rendered:
    """Everything that a rendered folder holds.

    Attributes:
        files: text by path, the provenance left out.
        provenance: of them.
    """

    files: Mapping[str, str]
    provenance: Provenance

    @property
    def texts(self) -> dict[str, str]:
        """Text of every file by its path."""
        return {**self.files, provenances.FILE: self.provenance.to_json()}


def rendered(spec: EnvironmentSpec, report: PreviewReport, environments: Path, outputs: Outputs, commit: str) -> Rendered:
    """The folder of an environment that passes.

    Args:
        environments: folder of the wishes, for the digests of what was read.
        outputs: values that only apply can know.
        commit: of the wishes; empty where it is not told.

    Raises:
        NotRenderable: a part of an object is not known, or secret; each is named, and nothing is rendered.
        CannotStart: ``outputs`` names what is not unknown.
    """
    engine, resources = spec.environment.spec.delivered_by, with_outputs(report.resources, outputs)
    parts = delivery_parts(resources, spec.tenants)
    texts = {NOT_RENDERED: _not_rendered(parts), judged_with.FILE: _context(spec, resources).to_json()}
    if outputs:
        texts[OUTPUTS] = _sorted_json(outputs)
    if engine is not None and engine.pulumi_operator is not None:
        texts.update(_yaml_files(pulumi_operator.stack_objects(spec, engine.pulumi_operator)))
    else:
        _require_complete(parts)
        texts.update(_applied(spec, engine, parts))
    texts = {path: report.redaction.text(text) if path == NOT_RENDERED else text for path, text in sorted(texts.items())}
    return Rendered(texts, _provenance(spec, report, parts, environments, commit, texts))


def _applied(spec: EnvironmentSpec, engine: DeliveredBy | None, parts: DeliveryParts) -> dict[str, str]:
    """Manifests of every part, and what the engine needs to apply them."""
    texts: dict[str, str] = {}
    for part, views in parts.objects.items():
        texts.update(_part(engine, part, views, parts))
    digests, dns = {path: digest(text) for path, text in texts.items()}, spec.environment.spec.dns_cidr
    if engine is not None and engine.argo_cd is not None:
        hooks = {f"{part}/{GATE_FILE}": argo_cd.gate_hook(spec.name, engine.argo_cd, part, part_digest(digests, part))
                 for part in parts.objects}
        texts.update(_yaml_files({**argo_cd.argo_objects(spec.name, engine.argo_cd, parts, dns), **hooks}))
    elif engine is not None and engine.flux is not None:
        texts.update(_yaml_files(flux.flux_objects(spec.name, engine.flux, parts, part_digest(digests, "."), dns)))
    else:
        texts.update(_yaml_files({f"releases/{view.name}.yaml": dict(view.props) for view in parts.releases}))
    return texts


def _part(engine: DeliveredBy | None, part: str, views: tuple[ResourceView, ...], parts: DeliveryParts) -> dict[str, str]:
    order = waves(views, parts.dependencies)
    marked = [annotated(view, _annotations(engine, view, order[view.urn])) for view in views]
    return {f"{part}/{path}": HEADER + object_yaml(view.props) for view, path in zip(marked, object_paths(marked), strict=True)}


def _annotations(engine: DeliveredBy | None, view: ResourceView, wave: int) -> Mapping[str, str]:
    if engine is not None and engine.argo_cd is not None:
        return argo_cd.object_annotations(view, wave)
    return flux.object_annotations(view) if engine is not None and engine.flux is not None else {}


def _yaml_files(objects: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {path: HEADER + object_yaml(body) for path, body in objects.items()}


def _require_complete(parts: DeliveryParts) -> None:
    incomplete = parts.incomplete
    if incomplete:
        lines = "\n".join(f"  {name}: {'; '.join(reasons)}" for name, reasons in incomplete.items())
        raise NotRenderable(f"these cannot be rendered as they would be applied; nothing was written:\n{lines}\n"
                          'What only apply can know can be given with --outputs FILE: {"Kind namespace/name": {"path.in.it": value}}. '
                          "A secret belongs in a store.")


def _not_rendered(parts: DeliveryParts) -> str:
    lines = [f"{view.kind} {view.name} ({view.type})\n" for view in parts.others]
    return HEADER + ("# No Kubernetes engine applies these: gpuplane up does, layer cluster first.\n" + "".join(lines) if lines else
                     "# Everything of this environment is rendered.\n")


def _context(spec: EnvironmentSpec, resources: tuple[ResourceView, ...]) -> JudgedWith:
    kept = tuple(view for view in resources if not view.is_kubernetes and view.custom and not view.type.startswith("pulumi:"))
    return JudgedWith(spec.environment.spec.policies, spec.exemptions, spec.catalogs, kept)


def _provenance(spec: EnvironmentSpec, report: PreviewReport, parts: DeliveryParts, environments: Path, commit: str,
                texts: Mapping[str, str]) -> Provenance:
    waived = sorted({f"{finding.rule} {finding.kind} {finding.namespace}/{finding.name}: {finding.waived}" for finding in report.findings
                     if finding.waived})
    return Provenance(
        environment=spec.name, as_of=report.as_of.isoformat(), verdict=report.verdict.value, commit=commit,
        inputs=provenances.input_digests(environments, spec.name), rules=asdict(rules_digest()),
        catalogue=provenances.catalogue_digest(), waived=tuple(waived), not_rendered=tuple(view.urn for view in parts.others),
        files={path: digest(text) for path, text in texts.items()})


def _sorted_json(value: Any) -> str:
    import json

    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
