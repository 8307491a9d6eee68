"""The house rules that a tool can hold: layers, sizes, names, words."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gpuplane", "components", "policies", "stacks")


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout
    return sorted(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


TRACKED = _tracked()
PYTHON = [path for path in TRACKED if path.suffix == ".py" and not path.is_symlink()]
CODE = [path for path in PYTHON if path.relative_to(ROOT).parts[0] in PACKAGES]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_follow_the_arrows() -> None:
    done = subprocess.run([str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", PYTHON, ids=_name)
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", [path for path in CODE if path.read_text().strip()], ids=_name)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", CODE, ids=_name)
def test_names_say_what_a_module_owns(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "common", "lib", "manager", "misc"}


def test_nothing_in_policies_or_stacks_shadows_the_standard_library() -> None:
    dependencies = {"pulumi", "kubernetes", "yaml", "pydantic", "types_pb2"}
    shadowing = [_name(path) for path in CODE if path.relative_to(ROOT).parts[0] in ("policies", "stacks")
                 and path.stem in (set(sys.stdlib_module_names) | dependencies) - {"__main__"}]

    assert shadowing == []


def test_the_pulumi_program_is_short() -> None:
    assert len((ROOT / "stacks" / "__main__.py").read_text().splitlines()) <= 40


def test_environments_differ_by_data_and_not_by_name() -> None:
    names = "|".join(path.name for path in sorted((ROOT / "environments").iterdir()))
    branches = re.compile(rf"""(==|!=|\bin)\s*[\[({{]?\s*["']({names})["']""")

    assert [_name(path) for path in CODE if branches.search(path.read_text())] == []


def test_environments_hold_only_yaml() -> None:
    assert {path.suffix for path in TRACKED if path.relative_to(ROOT).parts[0] == "environments"} <= {".yaml"}


def test_every_test_file_is_collected_or_imported() -> None:
    texts = "\n".join(path.read_text() for path in PYTHON)
    strays = []
    for path in PYTHON:
        relative = path.relative_to(ROOT)
        if relative.parts[0] != "tests" or path.name.startswith(("test_", "conftest", "__init__")):
            continue
        package = relative.parent.as_posix().replace("/", ".")
        if f"{package}.{path.stem}" not in texts and not re.search(rf"from {package} import .*\b{path.stem}\b", texts):
            strays.append(_name(path))

    assert strays == []


def test_nothing_stands_outside_the_house() -> None:
    allowed = {"Pulumi.yaml", "pyproject.toml", "Makefile", "README.md", "CONTRIBUTING.md", "LICENSE", ".gitignore", "locks", "environments",
               "gpuplane", "components", "stacks", "policies", "tests", "benchmarks", "docs", ".github", ".gitlab", ".ci", ".pre-commit-hooks.yaml"}

    assert {path.relative_to(ROOT).parts[0] for path in TRACKED} <= allowed


def test_locks_pin_every_package_by_hash_and_name_no_address() -> None:
    for lock in sorted((ROOT / "locks").glob("*.txt")):
        text = lock.read_text()
        pins = re.findall(r"^[A-Za-z0-9][^\s#]*==\S+", text, re.MULTILINE)

        assert pins
        assert len(pins) == len(re.findall(r"(?m)^[A-Za-z0-9].*\\$", text)), f"{lock.name}: a package without hashes"
        assert "://" not in text
