"""The rules in the API server: a ValidatingAdmissionPolicy and its binding for each, as the backstop of every gate before apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from gpuplane.components.kubernetes_object import child_options
from gpuplane.components.queue_admission import register_policy


@dataclass(frozen=True)
class AdmissionPolicyArgs:
    """One policy.

    Attributes:
        name: of the policy and of its binding.
        spec: of the ValidatingAdmissionPolicy.
        actions: what the binding does with what does not hold.
        namespaces: the binding's ``namespaceSelector``.
    """

    name: str
    spec: Mapping[str, Any]
    actions: tuple[Literal["Deny", "Warn", "Audit"], ...]
    namespaces: Mapping[str, Any]


class AdmissionPolicies(pulumi.ComponentResource):
    """Policies and their bindings; what the rules say in CEL is written where the rules are."""

    def __init__(self, name: str, policies: Sequence[AdmissionPolicyArgs], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:AdmissionPolicies", name, {}, opts)
        for policy in policies:
            register_policy(policy.name, policy.spec, child_options(self, opts), policy.actions, policy.namespaces)
        self.register_outputs({"names": [policy.name for policy in policies]})
