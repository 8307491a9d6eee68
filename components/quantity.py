"""Kubernetes quantities in the form the API server itself writes.

Webhooks that mutate an object (Kueue's, KServe's) write its quantities back in canonical form: ``1024Gi`` becomes
``1Ti``, ``0Gi`` becomes ``0``, ``1000`` becomes ``1k``. Written otherwise, every ``up`` would see a change.
"""

from __future__ import annotations

_DECIMAL = ("", "k", "M", "G", "T", "P", "E")
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def amount(number: int) -> str:
    """A whole number: cores, devices, pods."""
    return _scaled(number, 1000, _DECIMAL)


def gib(number: int) -> str:
    """An amount of memory, given in GiB."""
    return _scaled(number, 1024, _BINARY[2:])


def _scaled(number: int, base: int, suffixes: tuple[str, ...]) -> str:
    """With the largest suffix that leaves a whole number (apimachinery ``resource.Quantity``, canonical form)."""
    if number == 0:
        return "0"
    power = 0
    while number % base == 0 and power + 1 < len(suffixes):
        number, power = number // base, power + 1
    return f"{number}{suffixes[power]}"
