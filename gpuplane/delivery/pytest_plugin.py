"""A pytest plugin: a user's repository asserts that its manifests have no findings.

``gpuplane_findings(PATH…)`` judges files and folders as one platform and returns what stops an apply::

    def test_manifests(gpuplane_findings):
        assert not gpuplane_findings("manifests")

The day is today's in UTC, or ``--gpuplane-as-of YYYY-MM-DD``. What cannot be read fails the test that asks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gpuplane.policies.finding import Finding


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--gpuplane-as-of``: the day that rules judge at."""
    parser.getgroup("gpuplane").addoption(
        "--gpuplane-as-of", type=date.fromisoformat, default=None, metavar="YYYY-MM-DD", help="day that gpuplane's rules judge at")


@pytest.fixture
def gpuplane_findings(request: pytest.FixtureRequest) -> Callable[..., tuple[Finding, ...]]:
    """What stops an apply in some manifests; paths are relative to the root folder, ``labels=`` names a file of labels."""
    root: Path = request.config.rootpath

    def findings(*paths: str | Path, labels: str | Path | None = None) -> tuple[Finding, ...]:
        from gpuplane.delivery.check import check_paths, load_label_map
        from gpuplane.spec.vocabulary import LabelMap

        as_of = request.config.getoption("--gpuplane-as-of") or datetime.now(UTC).date()
        meaning = load_label_map(root / labels) if labels is not None else LabelMap()
        result = check_paths([root / path for path in paths], meaning, (), as_of)
        if result.errors:
            pytest.fail("\n".join(str(error) for error in result.errors), pytrace=False)
        return tuple(finding for finding in result.findings if finding.blocks)

    return findings
