"""Creates that the state may not know: their answer was lost, or the state could not be written.

Pulumi, which heard an error or was stopped, forgets them, and the next attempt would find them in its way. So each is looked up first,
and taken into the state where it is there and was made by Pulumi; while the cluster cannot be asked, the run's record keeps them for
the next run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gpuplane.delivery.applying.run_record import lines_of
from gpuplane.delivery.applying.transient import says_no
from gpuplane.delivery.live_progress import LiveProgress

Begun = Mapping[str, Any]
"""A resource that was being created: ``urn``, ``type``, ``parent``, ``provider`` and ``inputs``, as in Pulumi's pending operations."""

MADE = "made"
"""Key of what was made for sure."""
_IS_THERE = re.compile(r"already exists|was successfully created", re.IGNORECASE)
_SETTLED = ("applied", "unchanged", "destroyed")


def unsure_creates(progress: LiveProgress) -> tuple[Begun, ...]:
    """Creates of Kubernetes objects that failed without a clear no, or of which no end was said; and what was made, components included.

    The state knows what was made, unless it could not be written. AWS is asked with tokens that make a second try the first one.
    """
    made = tuple({**_begun(step.new), MADE: True} for _, step in sorted(progress.made.items())
                 if step.type.startswith(("kubernetes:", "gpuplane:")) and step.new is not None)
    unsaid = {urn: step for urn, step in progress.failed.items() if _is_unsure(progress.said.get(urn, ()))}
    return made + tuple(_begun(step.new) for _, step in sorted({**progress.begun, **unsaid}.items()) if step.new is not None
                        and step.type.startswith("kubernetes:") and str(step.op.value) in ("create", "create-replacement"))


def unsure_before(folder: Path, environment: str) -> dict[str, tuple[Begun, ...]]:
    """What former runs were unsure of and nobody has settled since, by stack."""
    found: dict[str, tuple[Begun, ...]] = {}
    for record in sorted((folder / environment).glob("*.jsonl")):
        for line in lines_of(record):
            stack = str(line.get("stack"))
            if line.get("event") == "unsure":
                found[stack] = tuple(line["resources"])
            elif line.get("event") == "ended" and line.get("result") in _SETTLED:
                found.pop(stack, None)
    return found


def _is_unsure(said: Iterable[str]) -> bool:
    return not any(says_no(message) or _IS_THERE.search(message) for message in said)


def _begun(new: Any) -> Begun:
    """Of the inputs only what names the object."""
    metadata = {key: value for key, value in ((new.inputs or {}).get("metadata") or {}).items() if key in ("name", "namespace")}
    inputs = {**{key: value for key, value in (new.inputs or {}).items() if isinstance(value, str) and value != "[secret]"},
              **({"metadata": metadata} if metadata else {})}
    return {"urn": new.urn, "type": new.type, "parent": new.parent, "provider": new.provider, "inputs": inputs}
