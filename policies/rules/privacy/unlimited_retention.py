"""PII-09: data that nothing deletes is kept for ever, and personal data may not be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpuplane.graph.data_stores import BUCKETS, LOG_GROUP, days_kept, lifecycle_rules
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items
from gpuplane.graph.tenancy import data_class, owed
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_DAY_MS = 86_400_000
_BACKUPS = ("aws:rds/instance:Instance", "aws:rds/cluster:Cluster")


class UnlimitedRetention(Rule):
    """Storage limitation: every store says when it lets go of what it holds, and no later than the class of the data allows.

    Of a bucket the copies that were replaced or deleted count too. A log group without a period keeps everything.
    """

    id = "PII-09"
    title = "Stores of sensitive data delete it in time"
    severity = "high"
    remedy = "Set the period (retentionInDays, a lifecycle rule with an expiration, retention.ms) to at most what the data class allows."
    references = ("GDPR Art. 5(1)(e), Art. 17", "ISO/IEC 27001:2022 A.8.10")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        groups = {view.urn for view in graph.resources if view.type == LOG_GROUP}
        anything = bool(groups) and any(
            owed(graph, view).retention_days is not None for view in (*graph.namespaces.values(), *graph.resources))
        for view in graph.resources:
            if view.urn in groups and anything:
                yield from self._log_group(graph, view)
            if view.type not in BUCKETS and view.type not in _BACKUPS and view.kind != "KafkaTopic":
                continue
            most = owed(graph, view).retention_days
            if most is None:
                continue
            if view.type in BUCKETS:
                yield from self._bucket(graph, view, most)
            elif view.type in _BACKUPS:
                yield from self._period(graph, view, view.get("backupRetentionPeriod"), most, "backupRetentionPeriod")
            elif view.kind == "KafkaTopic" and view.is_kubernetes:
                kept = view.get("spec", "config", "retention.ms")
                days = int(kept) / _DAY_MS if isinstance(kept, (int, str)) and str(kept).lstrip("-").isdigit() else kept
                days = None if isinstance(days, float) and days < 0 else days
                yield from self._period(graph, view, days, most, "spec.config.retention.ms")

    def _log_group(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        days, most = view.get("retentionInDays"), owed(graph, view).retention_days
        if days is None or days == 0:
            yield self.fail(graph, view, f"Log group {view.name} keeps everything for ever.", "retentionInDays")
        elif most is not None:
            yield from self._period(graph, view, days, most, "retentionInDays")

    def _bucket(self, graph: PlannedGraph, view: ResourceView, most: int) -> Iterator[Finding]:
        said = lifecycle_rules(graph, view)
        if isinstance(said.value, Unknown):
            yield self.unknown(graph, view, f"When bucket {view.name} deletes is only known after apply.", said.field)
            return
        days = [each for rule in items(said.value) for each in days_kept(rule)]
        if not days:
            yield self.fail(graph, said.view, f"Bucket {view.name} holds {data_class(graph, view)} data and no enabled lifecycle rule "
                                              "deletes anything.", said.field)
        for each in days:
            yield from self._period(graph, said.view, each, most, said.field, view)

    def _period(self, graph: PlannedGraph, view: ResourceView, days: Any, most: int, field: str,
                store: ResourceView | None = None) -> Iterator[Finding]:
        held = f"{store or view} keeps {data_class(graph, store or view)} data"
        if isinstance(days, Unknown):
            yield self.unknown(graph, view, f"{held} for a time that is only known after apply.", field)
        elif days is None:
            yield self.fail(graph, view, f"{held} for ever.", field)
        elif not isinstance(days, (int, float)):
            yield self.unknown(graph, view, f"{held} for a time that cannot be read.", field)
        elif days > most:
            yield self.fail(graph, view, f"{held} for {days:g} days, and {most} are allowed.", field)

    PASSES = (
        Example("a topic of a day", """
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaTopic
metadata: {name: prompts, namespace: support, labels: {gpuplane.dev/data-classification: personal}}
spec: {config: {retention.ms: 86400000}}
"""),
    )
    FAILS = (
        Example("a topic that keeps everything", """
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaTopic
metadata: {name: prompts, namespace: support, labels: {gpuplane.dev/data-classification: personal}}
spec: {config: {retention.ms: -1}}
""", "KafkaTopic support/prompts keeps personal data for ever"),
        Example("a topic of two years", """
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaTopic
metadata: {name: prompts, namespace: support, labels: {gpuplane.dev/data-classification: pii}}
spec: {config: {retention.ms: "63072000000"}}
""", "for 730 days, and 365 are allowed"),
    )
