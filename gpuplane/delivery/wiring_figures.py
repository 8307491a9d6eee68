"""What each service hangs by, from its route to its dashboards, link by link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.wiring.links import Link, State
from gpuplane.graph.wiring.proof import chain
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry

HEADINGS = ("link", "from", "to", "", "why")
WORDS = {State.FOUND: "there", State.DANGLING: "broken", State.OUTSIDE: "outside"}
"""``outside``: the objects say nothing of that place; it may well be on the cluster already."""


@dataclass(frozen=True)
class ServiceWiring:
    """The links of one service, in the order that a request and then its measurements pass them.

    Attributes:
        service: ``tenant/service``.
        rows: kind of link, its start, its far end, its state in a word, and why; one for all links that read alike.
        counts: the same words with how many links each.
    """

    service: str
    rows: tuple[tuple[str, str, str, str, str], ...]
    counts: tuple[tuple[str, int], ...]

    @property
    def title(self) -> str:
        """``acme/chat: 14 links there, 2 outside``."""
        return f"{self.service}: {', '.join(f'{count} {word}' for word, count in self.counts) or 'no links'}"


def service_wirings(spec: EnvironmentSpec, graph: PlannedGraph) -> tuple[ServiceWiring, ...]:
    """Every service's links in a graph; of pods that read prompts, those of their service."""
    rules = {(entry.tenant, f"gpuplane-{entry.document.name}"): entry.object_name for entry in spec.services.values()}
    return tuple(_wiring(entry.name, _own(spec, rules, entry, chain(graph, entry.tenant, entry.document.name)))
                 for entry in spec.services.values() if not entry.role)


def _own(spec: EnvironmentSpec, rules: Mapping[tuple[str, str], str], entry: ServiceEntry, links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Without what belongs to another service: its pods export the metrics that others' rules read, and nothing of it hangs by those."""
    def is_own(link: Link) -> bool:
        space, name = link.source.namespace, link.source.name
        return (space not in spec.tenants or space == entry.tenant) and rules.get((space, name), entry.document.name) == entry.document.name

    return tuple(link for link in links if is_own(link))


def _wiring(service: str, links: tuple[Link, ...]) -> ServiceWiring:
    rows = dict.fromkeys((str(link.relation), link.start, link.target, WORDS[link.state], link.why) for link in links)
    counted = Counter(row[3] for row in rows)
    return ServiceWiring(service, tuple(rows), tuple((word, counted[word]) for word in WORDS.values() if counted[word]))
