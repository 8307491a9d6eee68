"""The target with other releases: edited as text, written as a tree that nothing names, previewed and priced."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from gpuplane.catalog import catalog_of
from gpuplane.delivery import preview as previews
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.preview_report import PreviewReport, sentence
from gpuplane.delivery.promotion.repository import Repository
from gpuplane.delivery.promotion.world import World, local, named
from gpuplane.delivery.yaml_blocks import NotABlockError, with_fields_of
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.money.increase import increase_refusals
from gpuplane.planning.money.month import Month
from gpuplane.planning.promotion.gate import GateResult
from gpuplane.planning.promotion.releases import BLOCKS, moved
from gpuplane.policies.finding import Finding
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment

POLICY = "policy"


@dataclass(frozen=True)
class Replacement:
    """A service's file, and the text whose release it gets.

    Attributes:
        path: of the file, from the top of the repository.
        text: as it is.
        source: text of the document that has the release.
        value: release and adapters that it must have afterwards.
    """

    service: str
    path: str
    text: str
    source: str
    value: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """What the target would be.

    Attributes:
        tree: with the edited files; nothing names it.
        before, after: a month of the whole environment.
        gates: what plan and rules say of it, and whether it is within its own limits on increases.
        plan: of the edited target.
    """

    tree: str
    before: Month
    after: Month
    gates: tuple[GateResult, ...]
    plan: EnvironmentPlan


def changed(world: World, target: EnvironmentSpec, replacements: Sequence[Replacement], as_of: date, progress: previews.Progress) -> Change:
    """Edit, preview and price.

    Raises:
        CannotStart: a file cannot be edited in place.
        InvalidSpec: the edited target is no valid environment; the errors name its files.
    """
    repository, files = world.repository, {each.path: edited_text(each) for each in replacements}
    tree = repository.tree_with(world.commit, files)
    before = plan(target, catalog_of(target), as_of)
    with repository.environments(tree) as folder, named(repository, folder):
        after = load_environment(folder, target.name)
        for each in replacements:
            if moved(after.services[each.service].document.spec) != dict(each.value):
                raise CannotStart(f"{each.path}: its release could not be replaced in place; write it by hand.")
        report = previews.preview(after, as_of, progress)
        months = {"": before.money.month, **{name: tenant.month for name, tenant in before.money.tenants.items()}}
        steps = [previews.from_refusal(refusal) for refusal in increase_refusals(after, report.plan.money, months)]
        gates = tuple(_policy(repository, report, [*report.blocking, *steps], folder))
    return Change(tree, before.money.month, report.plan.money.month, gates, report.plan)


def unchanged(target: EnvironmentSpec, as_of: date) -> Change:
    """Nothing would move: what it costs, and no gate is asked."""
    planned = plan(target, catalog_of(target), as_of)
    return Change("", planned.money.month, planned.money.month, (), planned)


def edited_text(each: Replacement) -> str:
    """The file with the other release: comments and everything outside what differs stay.

    Raises:
        CannotStart: its blocks are not written one field a line.
    """
    try:
        return with_fields_of(each.text, each.source, "spec", BLOCKS)
    except NotABlockError:  # perhaps only the source is written otherwise
        pass
    try:
        return with_fields_of(each.text, document_with(each.value), "spec", BLOCKS)
    except NotABlockError as error:
        raise CannotStart(f"{each.path}: {error}: it cannot be edited in place; write release: one field a line.") from None


def document_with(value: Mapping[str, Any]) -> str:
    """A document that has only a release, as text: for releases that no file has any more in words of their own."""
    return yaml.safe_dump({"spec": dict(value)}, sort_keys=False, allow_unicode=True, width=140)


def _policy(repository: Repository, report: PreviewReport, blocking: Collection[Finding], folder: Any) -> Iterator[GateResult]:
    for finding in blocking:
        yield GateResult(POLICY, "", "fail" if finding.verdict.value == "fail" else "unknown",
                         report.redaction.text(local(sentence(finding), repository, folder)),
                         "Change the target first: a promotion moves releases and nothing else.")
    if not blocking:
        said = f"{len(report.real_resources)} resources pass {len(report.rules)} rules, fit and are within budget"
        yield GateResult(POLICY, "", "pass", said)
