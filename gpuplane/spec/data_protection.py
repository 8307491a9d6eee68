"""What people decide about the data of a tenant and no machine can know: for its data-protection record, and for the rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gpuplane.spec.model import SpecModel

_Text = Annotated[str | None, Field(min_length=3, max_length=300)]


class DataProtection(SpecModel):
    """What a record of processing activities needs beside what is declared anyway (GDPR Art. 30; EU AI Act for the last two)."""

    purpose: _Text = None
    """What the data is processed for."""
    legal_basis: _Text = None
    """Why that is lawful, e.g. ``contract, Art. 6(1)(b)``."""
    data_subjects: _Text = None
    """Whose data it is, and which categories, e.g. ``customers: conversations, names``."""
    contact: _Text = None
    """Controller and data protection officer: a role or an address."""
    dpia: _Text = None
    """Where the data protection impact assessment is recorded; needed for special categories and for high-risk AI."""
    oversight_contact: _Text = None
    """Who watches over the AI system and may stop it; needed for the same."""
    ai_act_risk: Literal["minimal", "limited", "high"] | None = None
    """Risk class of the AI system (Regulation (EU) 2024/1689)."""
