"""Quantities as the API server writes them back."""

import pytest

from gpuplane.components.quantity import amount, gib


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (1, "1"), (999, "999"), (1000, "1k"), (1500, "1500"), (2_000_000, "2M")])
def test_whole_numbers_are_canonical(number: int, text: str) -> None:
    assert amount(number) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (1, "1Gi"), (1023, "1023Gi"), (1024, "1Ti"), (1536, "1536Gi"), (2048, "2Ti"), (1 << 20, "1Pi")])
def test_memory_is_canonical(number: int, text: str) -> None:
    assert gib(number) == text
