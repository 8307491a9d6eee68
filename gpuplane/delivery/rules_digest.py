"""Which rules judge here: how many, and one digest over the code of them all, a user's own included."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gpuplane.delivery.file_digests import digest, digest_of, digests_below


@dataclass(frozen=True)
class RulesDigest:
    """What stands for a set of rules in provenance and evidence.

    Attributes:
        count: how many rules there are.
        digest: ``sha256:…`` over gpuplane's policies and the modules of a user's own rules.
    """

    count: int
    digest: str


@cache
def rules_digest() -> RulesDigest:
    """The rules that are installed; read once."""
    from gpuplane.policies.registry import all_rules

    rules = all_rules()
    modules = {type(rule).__module__ for rule in rules}
    own = {name: digest(inspect.getsource(sys.modules[name])) for name in modules if not name.startswith("gpuplane.policies.")}
    return RulesDigest(len(rules), digest_of({**digests_below(files("gpuplane.policies"), ".py"), **own}))
