"""A share of the nightly campaign (``make fuzz``) in every run, and every input that once was too much."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fuzz import campaign
from tests.fuzz.case import Case, case_of, read_cases
from tests.fuzz.corpus import ROOT
from tests.fuzz.invariants import Defect
from tests.fuzz.minimise import minimised
from tests.fuzz.running import forget_all, run
from tests.fuzz.targets import case, targets

REGRESSIONS = read_cases(Path(__file__).with_name("regressions"))
INPUTS = 1500


@pytest.mark.parametrize("name", sorted(REGRESSIONS))
def test_what_was_mended_stays_mended(name: str) -> None:
    try:
        run(REGRESSIONS[name])
    finally:
        forget_all()


@pytest.mark.parametrize("text", [
    "cloudant_apikey" + " " * 20_000, "/" * 60_000 + ":_authToken=", "a." * 30_000, "sk-" * 20_000 + "T3BlbkFJ", "eyJ" * 20_000, "://" + "a:" * 30_000,
    "${" + "a" * 60_000, "-----BEGIN PRIVATE KEY-----" * 2000, "http://a" * 8000])
def test_a_long_text_takes_no_longer_than_any_input_may(text: str) -> None:
    container = {"name": "a", "image": text, "args": [text], "env": [{"name": "URL", "value": text}, {"name": "API_PASSWORD", "value": text}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": {"x": text}}, "spec": {"containers": [container]}}
    try:
        run(Case("check", ("check", "m.yaml", "--as-of", "2026-08-01"), "m.yaml", json.dumps(pod).encode()))
    finally:
        forget_all()


def test_no_input_of_a_share_breaks_an_invariant(tmp_path: Path) -> None:
    kept = ("GPUPLANE_POLICY_CASES",)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GPUPLANE_") or name in kept} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", campaign.__name__, "--inputs", str(INPUTS), "--jobs", "1", "--seed", "20260801", "--quick", "--found",
                           str(tmp_path)], cwd=ROOT, env=variables, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"{INPUTS} inputs, 0 defects" in done.stdout


@pytest.mark.parametrize("part", range(4))
def test_reports_of_strange_environments_hold_nothing_that_steers_who_reads_them(part: int) -> None:
    """Of the share above a handful are whole commands on an environment, and none of them writes every file."""
    campaign._warm()  # a library that draws makes a folder for its settings when it is imported
    try:
        for number in range(12):
            made = targets()["environment"].make(random.Random(f"reports/{part}/{number}"))
            name = next((each for each in made.arguments[1:] if not each.startswith("-")), "")
            run(made)
            if made.arguments[0] == "preview" and number % 2:
                run(replace(made, arguments=("preview", name, "--out", "out", *made.arguments[-2:])))
    finally:
        forget_all()


def test_a_seed_and_a_number_give_the_same_input() -> None:
    assert [case(7, number) for number in range(40)] == [case(7, number) for number in range(40)]
    assert case(7, 1) != case(8, 1)
    assert {case(7, number).target for number in range(400)} >= {"check", "load", "command-line", "results"}
    assert sum(target.weight for target in targets().values()) > 0


def test_a_case_is_kept_as_text_whatever_it_holds() -> None:
    for content in (b"a: b\n", b"\xff\x00", "\x1b[2J\u202e".encode()):
        made = Case("check", ("check", "m.yaml"), "m.yaml", content)
        assert case_of(made.text()) == made


def test_what_shows_a_defect_is_made_small() -> None:
    chance = random.Random(1)
    noise = b"".join(b"k%d: %d\n" % (number, chance.random() * 100) for number in range(200))
    found = minimised(Case("check", (), "m.yaml", noise + b"bad: [1\n" + noise), lambda each: b"[1" in each.content)

    assert found.content == b"[1"


@pytest.mark.parametrize(("arguments", "content", "said"), [
    (("check", "m.yaml", "--no-such"), b"{}", ""), (("check", "m.yaml"), b"a: [", ""), (("check", "m.yaml", "--format", "json"), b"\xff", "")])
def test_what_is_refused_as_it_should_be_is_no_defect(arguments: tuple[str, ...], content: bytes, said: str) -> None:
    run(Case("check", arguments, "m.yaml", content))


def test_the_judge_of_answers_finds_what_it_is_for() -> None:
    from tests.fuzz.invariants import answered

    for status, stdout, stderr, form in (
            (3, "", "x", "text"), (2, "", "", "text"), (0, "\x1b[2J", "", "text"), (0, "{", "", "json"), (0, '{"a": NaN}', "", "json"),
            (0, "<p><gpuplane-fuzz>", "", "html"), (0, "a\n::error::b", "", "text"), (0, "<testsuites><x/></testsuites>", "", "junit"),
            (0, "", "Traceback (most recent call last)", "text"), (0, "![x](https://evil.example/x.png)", "", "markdown"),
            (0, "::error file=a,title=b::c\n::add-mask::d", "", "commands"), (0, "<a onclick=x>", "", "html")):
        with pytest.raises(Defect):
            answered(status, stdout, stderr, form)
