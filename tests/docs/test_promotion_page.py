"""Every command on the page about promotion, in the order of the page, and what the example's page says comes out."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from gpuplane.spec.promotion import Promotion
from tests.delivery.promotion.results import FILES
from tests.delivery.promotion.walk import Walk, begun, evaluated, moved_tickets

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, EXAMPLE = DOCS / "promotion.md", DOCS / "examples" / "08-promotion" / "README.md"


def commands(page: Path) -> list[list[str]]:
    return [shlex.split(line.removeprefix("$ gpuplane "), comments=True) for line in page.read_text().splitlines() if line.startswith("$ gpuplane ")]


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Walk:
    for name in ("GPUPLANE_AUDIT", "PULUMI_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)
    ready = evaluated(moved_tickets(begun(tmp_path)))
    monkeypatch.chdir(ready.top)
    return ready


def test_every_command_of_the_page_runs(walk: Walk) -> None:
    found = {}
    for arguments in commands(PAGE):
        name = " ".join(arguments[:2])
        if arguments[0] == "promote" and "--verify" not in arguments:
            walk.git("add", "-A")
            walk.git("commit", "-qm", "So far", "--allow-empty", at="2026-11-20T09:00:00Z", author="quality@example.com")
            arguments += walk.drift()
        if arguments[:2] == ["evidence", "approve"]:
            arguments += ["--by", "quality@example.com"]
        done = walk.run(*arguments, now=arguments[0] in ("promote", "rollback"))
        found[name] = done
        expected = (2,) if arguments[0] == "rollback" and "--to" not in arguments else (0,)  # nothing is merged yet
        assert done.exit_code in expected, (arguments, done.output)

    assert {"evidence add", "evidence approve", "promote --from", "promote --to", "rollback prod-eu", "lineage prod-eu"} <= found.keys()
    assert (walk.top / "pull-request.md").read_text().startswith("**PASS:** Promote support/assistant")


def test_the_example_says_what_comes_out(walk: Walk) -> None:
    for arguments in commands(EXAMPLE):
        if arguments[0] == "promote":
            walk.git("add", "-A")
            walk.git("commit", "-qm", "Evidence", "--allow-empty", at="2026-11-20T09:00:00Z", author="quality@example.com")
            arguments = [*arguments[:arguments.index("--looks")], *walk.drift()]
        more = ["--by", "quality@example.com"] if arguments[:2] == ["evidence", "approve"] else []
        done = walk.run(*arguments, *more, now=arguments[0] == "promote")
        assert done.exit_code == 0, done.output
    said = re.sub(r"\s+", " ", EXAMPLE.read_text().partition("PASS:")[2].partition("\n…")[0])
    shown = re.sub(r"\s+", " ", re.sub(r"(sha256:[0-9a-f]{6})[0-9a-f]{58}", r"\1…", done.output))

    assert said.strip() in shown


def test_the_gates_on_the_page_are_gates() -> None:
    block = next(text for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL) if text.startswith("promotion:"))
    gates = Promotion.model_validate_json(json.dumps(yaml.safe_load(block)["promotion"]), by_alias=True, by_name=False).gates

    assert all(getattr(gates, name) is not None for name in type(gates).model_fields)
    assert len(FILES) == 4
