"""Rules of a user's own: they add, and take nothing away."""

from __future__ import annotations

import sys
from datetime import date
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gpuplane.policies.own_rules import GROUP, PREFIX, own_rules
from gpuplane.policies.registry import all_rules
from gpuplane.policies.rule_examples import broken_examples

AS_OF = date(2026, 11, 21)
RULE = """
from gpuplane.policies.rule import Example, Rule

class Own(Rule):
    \"\"\"Why.\"\"\"
    id = "{id}"
    title, severity, remedy, references, scope = "t", "low", "Do.", ("us",), "object"
    PASSES = (Example("good", "apiVersion: v1\\nkind: Pod\\nmetadata: {{name: good}}\\n"),)
    FAILS = (Example("bad", "apiVersion: v1\\nkind: Pod\\nmetadata: {{name: bad}}\\n", "{message}"),)

    def check(self, graph):
        for view in graph.objects("Pod"):
            if view.name == "bad":
                yield self.fail(graph, view, "is bad")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> EntryPoint:
    name = f"own_{request.node.originalname}"
    (tmp_path / name).mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / name / "__init__.py").touch()
    return EntryPoint("acme", name, GROUP)


def write(module: EntryPoint, **values: str) -> None:
    path = Path(next(entry for entry in sys.path if (Path(entry) / module.value).is_dir())) / module.value / "rule.py"
    path.write_text(RULE.format(**{"id": "XA-01", "message": "is bad", **values}))


def test_a_package_of_rules_is_found_below_its_entry_point(module: EntryPoint) -> None:
    write(module)

    rule, = own_rules((module,))

    assert rule.id == "XA-01"
    assert list(broken_examples([rule], AS_OF)) == []


def test_an_example_that_says_otherwise_is_named(module: EntryPoint) -> None:
    write(module, message="is worse")

    said, = broken_examples(own_rules((module,)), AS_OF)

    assert "'bad' should fail with 'is worse'" in said


def test_an_id_of_a_shipped_rule_or_of_one_to_come_is_refused(module: EntryPoint) -> None:
    write(module, id="QF-04")

    with pytest.raises(ValueError, match="begin with X"):
        own_rules((module,))


def test_an_entry_point_without_rules_is_refused(module: EntryPoint) -> None:
    with pytest.raises(ValueError, match="holds no rule"):
        own_rules((module,))


def test_no_shipped_rule_has_an_id_of_a_users_own() -> None:
    assert not [rule.id for rule in all_rules() if rule.id.startswith(PREFIX)]
