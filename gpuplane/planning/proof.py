"""A figure's proof: its formula, inputs, result and sources, so that a reader can do the sum again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Proof:
    """How one figure was got.

    Attributes:
        claim: what is said, e.g. ``pool h100: capacity``.
        formula: with the names of the inputs.
        inputs: name and value, in the formula's order.
        result: the figure.
        unit: its unit.
        sources: catalogue rows with their ``as_of``, or the document that says it.
    """

    claim: str
    formula: str
    inputs: tuple[tuple[str, str], ...]
    result: str
    unit: str
    sources: tuple[str, ...] = ()
