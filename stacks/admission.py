"""The rules in the cluster of layer ``platform``: policies of the API server, written from the rules where the environment wants them."""

from __future__ import annotations

import pulumi

from gpuplane.components.admission_policies import AdmissionPolicies, AdmissionPolicyArgs
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.policies.admission_policies import admission_policies
from gpuplane.spec.environment_spec import EnvironmentSpec


def register_admission_policies(spec: EnvironmentSpec, planned: EnvironmentPlan, options: pulumi.ResourceOptions) -> None:
    """Register the policies, with the exemptions that hold at the plan's day; nothing where the environment wants none."""
    wish = spec.environment.spec.admission_policies
    if wish is not None:
        policies = admission_policies(wish.action, spec.exemptions, planned.as_of, spec.environment.spec.policies, wish.only_warn)
        AdmissionPolicies("admission-policies", [
            AdmissionPolicyArgs(policy.name, policy.spec, policy.actions, policy.namespaces) for policy in policies], options)
