"""What rules said of tenants that are what they were, kept for the next preview: such a rule is asked again about the others alone.

Kept is what rules say that do not look across tenants (``Rule.across_tenants``): it follows from a tenant's resources, which follow from
its render's digest (:mod:`gpuplane.delivery.own_inputs`), from the resources of no tenant, the day and the program, which the file is
named after. All other rules, and a user's own, are asked about everything. Only previews read this, as they read rendered tenants
(docs/adr/0041).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from gpuplane.delivery.own_inputs import program_digest
from gpuplane.delivery.tenant_renders import TenantRenders, Views, as_text
from gpuplane.delivery.whole_file import keep_among_few
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.literal_rule import LiteralRule
from gpuplane.policies.registry import one_by_one
from gpuplane.policies.rule import Rule

_DETECTORS: Final = ("detect-secrets", "python-stdnum")
_SHIPPED: Final = "gpuplane.policies.rules."
_MOST: Final = 20_000
"""Tenants that are known; of more, those of this run."""
_MOST_FILES: Final = 8


class KeptFindings:
    """Findings of tenants in a folder: one JSON file for each state of what they all follow from. What is damaged is as good as none.

    Args:
        folder: where they lie; it need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, renders: TenantRenders, views: Views, as_of: date) -> TenantFindings:
        """Those of the tenants that were rendered last.

        Args:
            renders: with these tenants.
            views: every resource that is judged.
            as_of: the day it is judged at.
        """
        found = TenantFindings(renders, views, as_of)
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            found.read((self._folder / found.key).read_text(encoding="utf-8"))
        return found

    def put(self, found: TenantFindings) -> None:
        """Keep what there is; the oldest go where there are many."""
        if not found.news:
            return
        with suppress(OSError):
            keep_among_few(self._folder / found.key, found.text(), _MOST_FILES)


class TenantFindings:
    """What is known of tenants, and the rules asked about the others.

    Args:
        renders, views, as_of: as of :meth:`KeptFindings.of`.

    Attributes:
        news: whether there is something to keep that was not read.
    """

    def __init__(self, renders: TenantRenders, views: Views, as_of: date) -> None:
        self._views, self._as_of = {view.urn: view for view in views}, as_of
        self._owner = _owners(renders.latest, self._views)
        self._tenants = frozenset(renders.latest)
        self._known: dict[str, Sequence[Finding]] = {}
        """By the digest of the tenant's render, without the place in a file."""
        self._loud: frozenset[str] = frozenset()
        """Rules that said something of what is no tenant's."""
        self.news = False

    @cached_property
    def key(self) -> str:
        """Digest of all that findings follow from beside the tenant's own resources."""
        rest = tuple(view for urn, view in self._views.items() if urn not in self._owner)
        parts = (program_digest(), *(version(name) for name in _DETECTORS), self._as_of.isoformat(), as_text(rest))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def read(self, text: str) -> None:
        """Take what was kept.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: it is something else; then nothing is taken.
        """
        kept = json.loads(text)
        known: dict[str, Sequence[Finding]] = {
            str(digest): tuple(_finding(row) for row in rows) for digest, rows in kept["tenants"].items()}
        if any(self._owner.get(each.urn) != digest for digest in self._tenants & known.keys() for each in known[digest]):
            raise ValueError("a finding of something else")
        self._loud = frozenset(map(str, kept["loud"]))
        self._known = known

    def text(self) -> str:
        """What is to be kept, as JSON."""
        rows = self._known if len(self._known) <= _MOST else {digest: self._known[digest] for digest in self._tenants & self._known.keys()}
        plain = {digest: [asdict(each) for each in rows[digest]] for digest in sorted(rows)}
        return json.dumps({"loud": sorted(self._loud), "tenants": plain}, ensure_ascii=False)

    def near(self, graph: PlannedGraph) -> PlannedGraph:
        """The graph without the tenants of which everything is known."""
        if self._tenants.isdisjoint(self._known):
            return graph
        return graph.of_some(view for view in graph.resources if self._owner.get(view.urn) not in self._known)

    def judged(self, rules: Sequence[Rule], whole: PlannedGraph, near: PlannedGraph) -> list[Sequence[Finding]]:
        """The findings of each rule, as if it had been asked about the whole graph; those that are kept come last.

        Args:
            rules: some.
            whole: every resource.
            near: of :meth:`near`.
        """
        return [self._of(rule, whole, near) for rule in rules]

    def _of(self, rule: Rule, whole: PlannedGraph, near: PlannedGraph) -> Sequence[Finding]:
        if near is whole or not _within(rule, whole) or rule.id in self._loud:
            return one_by_one([rule], whole)[0]
        found = one_by_one([rule], near)[0]
        if any(each.urn not in self._owner for each in found):  # with all tenants it may say something else of what is no tenant's
            return one_by_one([rule], whole)[0]
        return [*found, *(self._placed(each) for each in self._kept.get(rule.id, ()))]

    @cached_property
    def _kept(self) -> Mapping[str, Sequence[Finding]]:
        """By rule."""
        found: dict[str, list[Finding]] = {}
        for digest in sorted(self._tenants & self._known.keys()):
            for each in self._known[digest]:
                found.setdefault(each.rule, []).append(each)
        return found

    def _placed(self, finding: Finding) -> Finding:
        view = self._views[finding.urn]
        return replace(finding, file=view.file, line=view.line)

    def learn(self, rules: Sequence[Rule], found: Sequence[Sequence[Finding]], graph: PlannedGraph) -> None:
        """Remember what each rule says of tenants that are new; nothing of one whose literals must not stand there, nor if a rule broke.

        Args:
            rules, found: all that were asked, and what each says of the whole graph.
            graph: the whole graph.
        """
        if graph.parameters.language_model is not None or any(not each.urn for findings in found for each in findings):
            return
        rows: dict[str, list[Finding]] = {digest: [] for digest in self._tenants}
        left: set[str | None] = set()
        loud: set[str] = set()
        for rule, findings in zip(rules, found, strict=True):
            for each in findings if _within(rule, graph) else ():
                owner = self._owner.get(each.urn)
                if owner is None:
                    loud.add(rule.id)
                elif isinstance(rule, LiteralRule) or (each.file, each.line) != (self._views[each.urn].file, self._views[each.urn].line):
                    left.add(owner)
                else:
                    rows[owner].append(replace(each, file="", line=0))
        known = {digest: tuple(each) for digest, each in rows.items() if digest not in left}
        if not known.keys() <= self._known.keys() or loud != self._loud:
            self._known, self._loud, self.news = {**self._known, **known}, frozenset(loud), True


def _owners(latest: Mapping[str, Views], judged: Mapping[str, ResourceView]) -> dict[str, str]:
    """Digest of the tenant that each resource is of, by URN; without what several have, as the stack and its providers."""
    found: dict[str, str] = {}
    shared: set[str] = set()
    for digest, views in latest.items():
        for view in views:
            there = judged.get(view.urn)
            if view.urn in found or there is None or there.props is not view.props or view.type.startswith("pulumi:"):
                shared.add(view.urn)
            found[view.urn] = digest
    return {urn: digest for urn, digest in found.items() if urn not in shared}


def _within(rule: Rule, graph: PlannedGraph) -> bool:
    """Whether a rule's word about a tenant can be kept: what a language model reads in a text does not follow from the program alone."""
    return rule.stays_in_tenants and type(rule).__module__.startswith(_SHIPPED) and graph.parameters.language_model is None


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(**{**row, "verdict": Verdict(row["verdict"])})
