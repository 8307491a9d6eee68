"""One digest stands for the rules, in provenance and in evidence: a user's own rules are in it."""

from __future__ import annotations

import pytest

from gpuplane.delivery.rules_digest import rules_digest
from gpuplane.policies import registry
from gpuplane.policies.rule import Rule


def test_a_rule_of_a_users_own_changes_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = rules_digest.__wrapped__()
    one = next(iter(registry.all_rules()))
    own = type("OwnRule", (type(one),), {"__module__": __name__, "id": "XA-01"})
    rules: tuple[Rule, ...] = (*registry.all_rules(), own())
    monkeypatch.setattr(registry, "all_rules", lambda: rules)

    found = rules_digest.__wrapped__()

    assert found.count == shipped.count + 1
    assert found.digest != shipped.digest
    assert rules_digest.__wrapped__() == found
