"""``kind: Exemptions``: rules that are waived for one object, by whom, why and until when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gpuplane.spec.model import Document, IsoDate, SpecModel
from gpuplane.spec.policies import RuleId


class ObjectSelector(SpecModel):
    """The one object that an exemption is for."""

    kind: Annotated[str, Field(min_length=1)]
    """Kubernetes kind, e.g. ``Deployment``."""
    name: Annotated[str, Field(min_length=1)]
    """Name of the object."""
    namespace: str = ""
    """Its namespace; empty for cluster-scoped objects."""


class Exemption(SpecModel):
    """One rule waived for one object. It shows in every report; after ``expires`` it counts as a violation."""

    rule: RuleId
    """Catalogue id of the rule, e.g. ``WS-01``."""
    resource: ObjectSelector
    owner: Annotated[str, Field(min_length=3)]
    """Who answers for it."""
    reason: Annotated[str, Field(min_length=10)]
    """Why it cannot be otherwise yet."""
    approval: Annotated[str, Field(min_length=3, max_length=500)]
    """Where somebody else than the owner allowed it: a pull request, a ticket, the minutes of a meeting."""
    expires: IsoDate
    """Last day it holds (UTC), at most ``policies.longest_exemption_days`` of the environment ahead."""


class ExemptionsSpec(SpecModel):
    """All exemptions of an environment."""

    exemptions: tuple[Exemption, ...] = ()
    """Each waives one rule for one object."""


class Exemptions(Document[Literal["Exemptions"], ExemptionsSpec]):
    """Waived rules of an environment (``exemptions.yaml``)."""
