"""One side of a preview, rendered and judged by several processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from gpuplane.delivery.changes import is_real
from gpuplane.delivery.kept_findings import KeptFindings, TenantFindings, owners_of
from gpuplane.delivery.object_digest import digest_over, object_digests
from gpuplane.delivery.outlined_side import one_tenant, outlined
from gpuplane.delivery.packed_views import Views
from gpuplane.delivery.redaction import Redaction, sealed
from gpuplane.delivery.reported_views import ReportedViews
from gpuplane.delivery.shared_judging import fitting
from gpuplane.delivery.source_map import SourceMap
from gpuplane.delivery.stack_views import together
from gpuplane.delivery.tenant_outline import TenantOutline
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.policies.finding import Finding
from gpuplane.policies.registry import all_rules, one_by_one
from gpuplane.policies.rule import Rule
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

if TYPE_CHECKING:
    from gpuplane.delivery.applying.digest import StackDigest

Progress = Callable[[str], None]
_OBJECT = 12_000
"""Bytes of memory that a resource takes, about."""


class JudgedSide:
    """This side, rendered and judged; each process that has none yet makes its own when it is first asked.

    A fork that touches what this process has read copies it page by page, which takes longer than to read it again. So where nearly all
    tenants are on disk, children begin before they are read. And where only a terminal is to be told, tenants of which rules said
    everything before are read as outlines, until something asks for more.

    Args:
        spec, planned: the wish and its plan.
        empty: a graph with all but the resources.
        as_of: the day it is judged at.
        progress, renders, kept, rendered, files: as of :func:`gpuplane.delivery.preview.preview`.
    """

    def __init__(self, spec: EnvironmentSpec, planned: EnvironmentPlan, empty: PlannedGraph, as_of: date, progress: Progress,
                 renders: TenantRenders | None, kept: KeptFindings | None, rendered: Callable[[], None], files: bool) -> None:
        self._spec, self._planned, self._empty, self._as_of, self._renders, self._kept = spec, planned, empty, as_of, renders, kept
        self._progress, self._rendered, self._files, self._process = progress, rendered, files, os.getpid()
        self.sources = SourceMap(spec)

    def processes(self) -> int:
        """How many should judge it; it is rendered by this one then, unless each is to read most of it."""
        if self._outlined is not None and self.near is not None:  # outlines take so little that a fork is the cheaper way to have them
            return fitting(len(self.wide.resources))
        try:
            more = self._renders.to_be_read(self._spec, self._planned) if self._renders is not None else 0
        except OSError:
            more = 0
        return fitting(more // _OBJECT, more) if more else fitting(len(self.whole.resources))

    @cached_property
    def stacks(self) -> Mapping[StackKey, Views]:
        """Every resource, by stack."""
        from gpuplane.delivery.offline_engine import render_stacks

        told = "_outlined" in self.__dict__ and self._outlined is not None
        found = render_stacks(self._spec, self._planned, (lambda _: None) if told else self._say, self._renders)
        if self._is_first and not told:
            self._rendered()
        return found

    @cached_property
    def whole(self) -> PlannedGraph:
        """Every resource, with the place of its document."""
        found = self._located(self.stacks.values())
        if "_outlined" not in self.__dict__ or self._outlined is None:
            self._say(f"judging {len(found.resources)} resources by {len(all_rules())} rules")
        return found

    @cached_property
    def _outlined(self) -> _Outlined | None:
        """This side with tenants in outline; None where it is no use, or they cannot be had so."""
        renders = self._renders
        if self._files or self._kept is None or renders is None or not self._spec.tenants or "tenants" not in self._spec.layers:
            return None
        found = outlined(self._spec, self._planned, self._say, renders)
        return None if found is None else _Outlined(*found, renders.asked)

    @cached_property
    def _known(self) -> TenantFindings | None:
        if self._kept is None or self._renders is None:
            return None
        if (outlined := self._outlined) is not None:
            tenants = outlined.renders.values()
            return self._kept.of(outlined.owners, tenants, self._in_order([outlined.rest]), self._as_of)
        views = self.whole.resources
        held = {digest: self._renders.known[digest] for digest in self._renders.asked.values()}
        owners = owners_of({digest: [view.urn for view in each if not view.type.startswith("pulumi:")] for digest, each in held.items()})
        return self._kept.of(owners, held, tuple(view for view in views if view.urn not in owners), self._as_of)

    @cached_property
    def _near_by(self) -> Mapping[str, Views]:
        """Of tenants in outline, those of which not everything is known, or something that is not in the outline: whole, by name."""
        outlined, known = self._outlined, self._known
        if outlined is None or known is None:
            return {}
        missing = set(known.named) - {view.urn for each in outlined.tenants.values() for view in each.views}
        digests = {digest for digest in outlined.renders.values() if digest not in known.known} | {outlined.owners[urn] for urn in missing}
        return self._some([name for name, digest in outlined.renders.items() if digest in digests])

    @cached_property
    def wide(self) -> PlannedGraph:
        """Every resource, but of tenants of which everything is known as others see them."""
        if (outlined := self._outlined) is None:
            return self.whole
        near = self._near_by
        # Their places are looked up for those that something is found of: that takes longer than to read them.
        tenants = [near.get(name, each.views) for name, each in outlined.tenants.items()]
        found = self._empty.of_some(self._in_order([outlined.rest, *tenants]))
        count = len(outlined.rest) + sum(len(each.own) for each in outlined.tenants.values())
        self._say(f"judging {count} resources by {len(all_rules())} rules")
        if self._is_first:
            self._rendered()
        return found

    @cached_property
    def near(self) -> PlannedGraph:
        """Every resource but those of tenants of which everything is known."""
        if self._known is None or not self._known.known:
            return self.whole if self._outlined is None else self.wide
        known = self._known
        return self._empty.of_some(view for view in self.wide.resources if known.owner(view.urn) not in known.known)

    def _located(self, views: Iterable[Views]) -> PlannedGraph:
        return self._empty.of_some(map(self.sources.locate, self._in_order(views)))

    def _in_order(self, views: Iterable[Views]) -> Views:
        return together(self._spec, views)

    @cached_property
    def _by_urn(self) -> Mapping[str, ResourceView]:
        return {view.urn: view for view in self.wide.resources}

    def view(self, urn: str) -> ResourceView:
        """A resource that somebody found something about, with the place of its document.

        Raises:
            KeyError: there is none.
        """
        found = self._by_urn[urn] if urn in self._by_urn else self._in_whole[urn]
        return found if found.file else self.sources.locate(found)

    def views(self, urns: Iterable[str]) -> Mapping[str, ResourceView]:
        """Resources by URN; a rule of a user's own may name what is not there."""
        found: dict[str, ResourceView] = {}
        for urn in urns:
            with suppress(KeyError):
                found[urn] = self.view(urn)
        return found

    @cached_property
    def _in_whole(self) -> Mapping[str, ResourceView]:
        return {view.urn: view for view in self.whole.resources}

    def judged(self, rules: Sequence[Rule]) -> Sequence[Sequence[Finding]]:
        """What some rules find."""
        return one_by_one(rules, self.whole) if self._known is None else self._known.judged(rules, self)

    def literals(self) -> list[Finding]:
        """Literals in documents that must not stand there; tenants of which everything is known have none."""
        from gpuplane.delivery.spec_documents import literal_findings

        known = frozenset(self._known.known) if self._known is not None else frozenset[str]()
        asked = self._renders.asked if self._renders is not None else {}
        return literal_findings(self._spec, self._as_of, {name for name, digest in asked.items() if digest in known})

    def learn(self, rules: Sequence[Rule], found: Sequence[Sequence[Finding]], literals: Iterable[Finding]) -> None:
        """Keep what was found for the next preview.

        Args:
            rules, found: all rules, and what each found.
            literals: of :meth:`literals`.
        """
        if self._known is not None and self._kept is not None and self._renders is not None:
            asked = self._renders.asked
            self._known.learn(rules, found, self, {asked[each.tenant] for each in literals if each.tenant in asked})
            self._kept.put(self._known)

    def reported(self, redaction: Redaction) -> Sequence[ResourceView]:
        """Every resource, without what is not to be shown; of tenants in outline, when somebody first looks."""
        def shown(views: Views) -> Views:
            return tuple(sealed(view, redaction) for view in views)

        if (outlined := self._outlined) is None:
            return shown(self.whole.resources)
        real = sum(map(is_real, outlined.rest)) + sum(each.real for each in outlined.tenants.values())
        return ReportedViews(lambda: shown(self.whole.resources), real, shown(self.wide.resources),
                             lambda renders: shown(self._apart_from(renders)))

    def _apart_from(self, renders: Collection[str]) -> Views:
        """Every resource but those of tenants whose renders have one of these digests; the others are read."""
        outlined = self._outlined
        if outlined is None:
            return self.whole.resources
        views = self._some([name for name, digest in outlined.renders.items() if digest not in renders])
        return self._located([outlined.rest, *views.values()]).resources

    def _some(self, names: Collection[str]) -> Mapping[str, Views]:
        """Some tenants, whole."""
        assert self._renders is not None  # there are outlines
        return self._renders.some(self._spec, self._planned, one_tenant(self._spec), names) if names else {}

    def digests(self) -> tuple[StackDigest, ...]:
        """Of each stack, what an approval would be of."""
        from gpuplane.delivery.applying.digest import StackDigest, digests_of

        spec = self._spec
        if (outlined := self._outlined) is None:
            return digests_of(spec, self.stacks)
        found: list[StackDigest] = []
        for key in (key for layer in spec.layers for key in spec.stacks_of(layer)):
            tenants = [outlined.tenants[name] for name in ([key.tenant] if key.tenant else spec.tenants)] if key.layer == "tenants" else []
            shared = [view for each in tenants for view in each.views if view.urn not in each.own]
            rest = {view.urn: view for view in (shared if tenants else outlined.rest) if view.layer == key.layer}.values()
            objects = {**object_digests(rest), **{urn: digest for each in tenants for urn, digest in each.own.items() if digest}}
            real = sum(map(is_real, rest)) + sum(each.real for each in tenants)
            found.append(StackDigest(spec.stack_name(key.layer, key.tenant), key, digest_over(objects), real))
        return tuple(found)

    @property
    def _is_first(self) -> bool:
        return os.getpid() == self._process

    def _say(self, line: str) -> None:
        if self._is_first:
            self._progress(line)


class _Outlined:
    """An environment with tenants in outline.

    Attributes:
        rest: resources that are no tenant's.
        tenants: outlines by name.
        renders: digests of the tenants' renders, by name.
        owners: digest of the render that a resource is of, by URN.
    """

    def __init__(self, others: Views, tenants: Mapping[str, TenantOutline], renders: Mapping[str, str]) -> None:
        self.tenants, self.renders = tenants, renders
        self.owners = owners_of({renders[name]: each.own for name, each in tenants.items()})
        shared = (view for each in tenants.values() for view in each.views if view.urn not in self.owners)
        self.rest = (*others, *{view.urn: view for view in shared}.values())
