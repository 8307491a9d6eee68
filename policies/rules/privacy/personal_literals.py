"""PII-12: what is written into a manifest is in git, in state, in etcd and in events, for everybody who reads those and for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpuplane.graph.personal_data import personal_data
from gpuplane.graph.personal_names import available, names
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.text_leaves import Leaf
from gpuplane.policies.finding import Finding
from gpuplane.policies.literal_rule import LiteralRule
from gpuplane.policies.rule import Example


class PersonalLiterals(LiteralRule):
    """A person's number or address in a manifest is copied wherever manifests go, and no retention period reaches the copies.

    Numbers count by their check digits, or beside a word that says what they are. Addresses of owners, contacts and maintainers are
    there on purpose, and those of roles and machines are nobody's.
    """

    id = "PII-12"
    title = "No personal data stands literally in manifests, specs and stack config"
    severity = "high"
    remedy = "Remove it, and refer to where such data is kept; what was committed stays in git's history."
    references = ("GDPR Art. 32", "NIST SP 800-122 §4.2")

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        model = graph.parameters.language_model
        if model is not None and graph.resources and not available(model):
            yield self.unknown(graph, graph.resources[0], f"Names of people cannot be looked for: Presidio or the language model {model} "
                                                          "is not installed.")
        yield from super().check(graph)

    def found(self, graph: PlannedGraph, leaf: Leaf) -> Iterable[str]:
        model = graph.parameters.language_model
        if model is not None and available(model):
            return (*personal_data(leaf), *names(leaf, model))
        return personal_data(leaf)

    PASSES = (
        Example("addresses of teams and of who answers, numbers that mean nothing", """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: support, annotations: {example.com/owner: jane.doe@example.com}}
data: {reply_to: support@example.com, cache_bytes: "104857600", largest: "2147483647", started: "2026-11-21"}
"""),
    )
    FAILS = (
        Example("a card number in a test setting", """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {test_card: "4111 1111 1111 1111"}
""", "data.test_card of ConfigMap shop/settings holds a payment card number."),
        Example("an IBAN among the arguments, an address in a variable", """
apiVersion: v1
kind: Pod
metadata: {name: job, namespace: shop}
spec:
  containers:
    - name: main
      args: [--refund-to=DE89370400440532013000]
      env: [{name: NOTIFY, value: jane.doe@example.com}]
""", "holds an IBAN"),
    )
