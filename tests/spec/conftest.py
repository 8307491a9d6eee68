from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.wish import Wish


@pytest.fixture
def wish(tmp_path: Path) -> Wish:
    return Wish(tmp_path)
