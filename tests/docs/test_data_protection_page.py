"""The page about personal data says what the catalogue says."""

import re
from pathlib import Path

from gpuplane.catalog.obligations import NAMES, load_obligations
from gpuplane.policies.registry import all_rules

PAGE = (Path(__file__).resolve().parents[2] / "docs/data-protection.md").read_text(encoding="utf-8")


def _said(value: object) -> str:
    return "yes" if value is True else "" if value in (False, None) else str(value)


def test_the_table_of_obligations_is_the_catalogues() -> None:
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|[^|]*\|$", PAGE, re.MULTILINE)

    assert [name for name, _ in rows] == list(NAMES)
    for name, cells in rows:
        assert [cell.strip() for cell in cells.split("|")] == [_said(getattr(row, name)) for row in load_obligations().values()], name


def test_every_rule_that_it_names_is_there() -> None:
    from gpuplane.planning.refusal import RULES

    assert set(re.findall(r"PII-[0-9]{2}", PAGE)) <= {rule.id for rule in all_rules()} | set(RULES)
