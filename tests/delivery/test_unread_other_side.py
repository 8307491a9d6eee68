"""What lies in a change's own work tree decides nothing of how its base is read; a base that cannot be read lets nothing pass unasked."""

from __future__ import annotations

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from gpuplane.delivery.comparison import OtherSide, check_out, commit_of
from gpuplane.delivery.preview import PROTECTED, UNREAD, preview, with_comparison
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.policies.finding import Verdict
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.loader import load_environment
from tests.delivery.files import edit

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
AS_OF = date(2026, 11, 22)
ATTRIBUTES = ("* working-tree-encoding=UTF-16\n", "* text eol=crlf\n", "*.yaml ident filter=evil\n")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The environments of this repository, committed."""
    shutil.copytree(ENVIRONMENTS, tmp_path / "environments")
    git(tmp_path, "init")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def compared(repository: Path, ref: str = "HEAD") -> PreviewReport:
    spec = load_environment(repository / "environments", "prod")
    with OtherSide(repository / "environments", "prod", ref, AS_OF) as other:
        report = preview(spec, AS_OF)
        return with_comparison(spec, report, other.compared_with(report))


@pytest.mark.parametrize("attributes", ATTRIBUTES)
@pytest.mark.parametrize("where", ["", "environments"])
def test_attributes_of_a_change_are_none_of_its_bases(repository: Path, tmp_path_factory: pytest.TempPathFactory, attributes: str, where: str,
                                                      ) -> None:
    (repository / where / ".gitattributes").write_text(attributes)
    folder = tmp_path_factory.mktemp("base")

    check_out(repository, commit_of(repository, "HEAD"), folder)

    for file in sorted(ENVIRONMENTS.rglob("*.yaml")):
        assert (folder / "environments" / file.relative_to(ENVIRONMENTS)).read_bytes() == file.read_bytes()


def test_they_do_not_hide_what_is_deleted(repository: Path) -> None:
    (repository / "environments/prod/tenants/research.yaml").unlink()
    for file in (repository / "environments/prod/services/research").iterdir():
        file.unlink()
    (repository / ".gitattributes").write_text(ATTRIBUTES[0])

    report = compared(repository)

    assert {finding.rule for finding in report.findings if finding.blocks} >= {PROTECTED}
    assert report.verdict is Verdict.FAIL


def test_a_base_that_cannot_be_read_stops_a_change_unless_the_environment_allows_it(repository: Path) -> None:
    environment = repository / "environments/prod/environment.yaml"
    before = environment.read_text()
    edit(environment, "cloud: aws", "cloud: nowhere")
    git(repository, "commit", "-am", "wrong")
    environment.write_text(before)

    unread, = (finding for finding in compared(repository).findings if finding.rule == UNREAD)
    assert (unread.verdict, unread.blocks) == (Verdict.UNKNOWN, True)
    assert "HEAD cannot be previewed" in unread.message
    assert not [finding for finding in compared(repository, "HEAD~1").findings if finding.rule == UNREAD]

    environment.write_text(before.replace("  policies:\n", f"  policies:\n    allow_unknown: [{UNREAD}]\n"))
    unread, = (finding for finding in compared(repository).findings if finding.rule == UNREAD)
    assert not unread.blocks


def test_only_what_cannot_be_known_of_a_base_can_be_allowed(repository: Path) -> None:
    environment = repository / "environments/prod/environment.yaml"
    text = environment.read_text()
    environment.write_text(text.replace("  policies:\n", f"  policies:\n    mandatory: [{UNREAD}]\n"))
    with pytest.raises(InvalidSpec, match=f'there is no rule "{UNREAD}"'):
        preview(load_environment(repository / "environments", "prod"), AS_OF)
