"""What components and objects were called in earlier releases: a rename is a row here, and no resource is made anew because of it.

Pulumi knows a resource by type, name and parents. A row becomes an alias of each resource that it fits; what lies below a renamed component
follows by itself. Rows stay for ever: a state of any release can come back. tests/integration/test_upgrades.py proves them on kept states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Former:
    """What a resource was called.

    Attributes:
        type: its Pulumi type token today.
        was_type: the token before; empty where it was the same.
        was_name: the name before, with ``{name}`` for today's; empty where it was the same.
    """

    type: str
    was_type: str = ""
    was_name: str = ""


FORMER: tuple[Former, ...] = ()
"""All renames there ever were."""


def keep_former_names() -> None:
    """Have everything that this program registers found by its former names too; call it before the first resource."""
    if FORMER:
        pulumi.runtime.register_stack_transformation(_with_aliases)


def aliases_of(type_token: str, name: str, former: Sequence[Former]) -> list[pulumi.Alias]:
    """Aliases of one resource."""
    return [pulumi.Alias(name=row.was_name.format(name=name) or name, type_=row.was_type or type_token)
            for row in former if row.type == type_token]


def _with_aliases(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    found = aliases_of(args.type_, args.name, FORMER)
    if not found:
        return None
    return pulumi.ResourceTransformationResult(args.props, pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(aliases=found)))
