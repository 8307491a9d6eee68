"""The CrossGuard pack: two policies that run gpuplane's rules on what the Pulumi engine is about to do, and did."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # Pulumi starts the pack in this folder, without gpuplane installed
    sys.path.append(str(ROOT))

from pulumi_policy import (  # noqa: E402
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError  # noqa: E402

from gpuplane.policies import crossguard  # noqa: E402

CONFIG = PolicyConfigSchema(properties={
    "as_of": {"type": "string", "description": "Day that exemptions are judged at, YYYY-MM-DD; today (UTC) where left out."},
    "environments": {"type": "string", "description": "Folder whose catalog.yaml and prices.yaml count beside the shipped facts."},
    "policies": {"type": "object", "default": {}, "description": "Parameters of the rules, as in environment.yaml."},
    "exemptions": {"type": "array", "default": [], "description": "Waived rules, as in exemptions.yaml."}})


def as_of(args: ResourceValidationArgs | StackValidationArgs) -> date:
    """The day the pack judges at."""
    said = args.get_config().get("as_of")
    return date.fromisoformat(said) if said else datetime.now(UTC).date()


def judge_object(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Rules about one object, while it is applied."""
    view = crossguard.view_of(args, UnknownValueError)
    config = args.get_config()
    for message in crossguard.object_violations(view, crossguard.exemptions_of(config), as_of(args), crossguard.catalog_of(config),
                                                crossguard.parameters_of(config)):
        report(message)


def judge_stack(args: StackValidationArgs, report: ReportViolation) -> None:
    """All rules, over the whole stack."""
    views = [crossguard.view_of(resource, UnknownValueError) for resource in args.resources]
    config = args.get_config()
    for message, urn in crossguard.stack_violations(views, crossguard.exemptions_of(config), as_of(args), crossguard.catalog_of(config),
                                                    crossguard.parameters_of(config)):
        report(message, urn or None)


PolicyPack("gpuplane", enforcement_level=EnforcementLevel.MANDATORY, policies=[
    ResourceValidationPolicy(crossguard.OBJECT_POLICY, "gpuplane's rules about one object", judge_object, config_schema=CONFIG),
    StackValidationPolicy(crossguard.STACK_POLICY, "gpuplane's rules about a whole stack", judge_stack, config_schema=CONFIG)])
