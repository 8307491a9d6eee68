"""The mutation score, by rule: how many of its mutations a rule finds, and it alone."""

from __future__ import annotations

from collections import Counter

from tests.policies.mutations.engine import Mutation, triggered
from tests.policies.mutations.table import MUTATIONS


def killed(mutation: Mutation) -> bool:
    """Whether its rule, and no other than the table says, finds it."""
    return triggered(mutation) == {mutation.rule, *mutation.also}


def report() -> str:
    """Killed and all mutations, together and by rule."""
    every, dead = Counter(each.rule for each in MUTATIONS), Counter(each.rule for each in MUTATIONS if killed(each))
    lines = [f"mutations killed: {dead.total()} of {every.total()}, of {len(every)} rules"]
    lines += [f"  {rule} {dead[rule]} of {count}" for rule, count in sorted(every.items()) if dead[rule] < count]
    return "\n".join(lines)
