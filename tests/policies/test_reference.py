"""The published rule reference is what the rules say."""

from pathlib import Path

from gpuplane.policies.reference import explained, reference
from gpuplane.policies.registry import all_rules

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "rules.md"


def test_writing_the_reference_again_changes_nothing() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_every_rule_is_explained_with_an_example_each_way() -> None:
    for rule in all_rules():
        text = explained(rule)

        assert rule.title in text
        assert text.count("```yaml") == 2
