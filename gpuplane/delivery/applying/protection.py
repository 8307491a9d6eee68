"""What is protected goes only by name: an approval that names it lifts the protection, right before the apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gpuplane.delivery.applying.states import Resource, resources, run_cli, stack_names
from gpuplane.delivery.live_progress import short

_REFUSED = ("because it is protected", "is protected", "marked for protection")


def protected(found: Collection[Resource]) -> tuple[Resource, ...]:
    """Protected resources of a state."""
    return tuple(one for one in found if one.get("protect"))


def lift(stack: str, named: Collection[str], variables: Mapping[str, str]) -> tuple[str, ...]:
    """Take the protection from resources named like ``Namespace support-namespace``; returns the names found in this stack.

    What the wish still protects is protected again by the apply that follows.

    Raises:
        EngineFailed: Pulumi says no.
    """
    if stack not in stack_names(variables):
        return ()
    wanted = [one["urn"] for one in protected(resources(stack, variables)) if short(one["urn"]) in named]
    for urn in wanted:
        run_cli(["state", "unprotect", urn, "--yes", "--stack", stack], variables)
    return tuple(map(short, wanted))


def what_to_do(environment: str, stack: str, variables: Mapping[str, str]) -> str:
    """How protected things may go after all."""
    names = " ".join(f"--lift '{short(one['urn'])}'" for one in protected(resources(stack, variables)))
    return (f"What is protected goes only by name: `gpuplane approve {environment} --out FILE` with those of these that are to go, then "
            f"this again with --approved FILE: {names}")


def is_refusal(said: str) -> bool:
    """Whether Pulumi refused to delete or replace something because it is protected."""
    return any(words in said for words in _REFUSED)
