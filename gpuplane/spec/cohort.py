"""Kueue cohorts: tenants that lend each other idle devices."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import (
    DnsLabel,
    FairSharingWeight,
    QuotaKey,
    SpecModel,
    number_is_nominal,
)


class CohortQuota(SpecModel):
    """GPUs (or MIG devices) of one pool that a cohort brings for all its members; the words and meanings are Kueue's (Cohort v1beta2)."""

    nominal_quota: Annotated[int, Field(ge=0, le=100_000)]
    """Devices on top of what the members bring; nobody's own."""
    borrowing_limit: Annotated[int | None, Field(ge=0, le=100_000)] = None
    """Devices that all members together may use beyond what is theirs; needs a parent. Left out: all there are."""
    lending_limit: Annotated[int | None, Field(ge=0, le=100_000)] = None
    """Devices that the members and the cohort together lend to the rest of the tree; needs a parent. Left out: all of them."""


class Cohort(SpecModel):
    """A Kueue Cohort; cohorts may form a tree."""

    parent: DnsLabel | None = None
    """Cohort it belongs to; left out, it is a root."""
    quota: dict[QuotaKey, Annotated[CohortQuota, BeforeValidator(
        number_is_nominal, json_schema_input_type=Annotated[int, Field(ge=0, le=100_000)] | CohortQuota)]] = Field(default_factory=dict)
    """Devices of its own, by pool or pool and profile as in tenants' files; a number is its nominal_quota."""
    fair_sharing_weight: FairSharingWeight | None = None
    """Weight among its siblings; one weight anywhere switches Kueue's fair sharing on."""

    @model_validator(mode="after")
    def _limits(self) -> Cohort:
        limited = [key for key, quota in self.quota.items() if quota.borrowing_limit is not None or quota.lending_limit is not None]
        if self.parent is None and limited:
            raise PydanticCustomError("cohort", "borrowing_limit and lending_limit of {keys} need a parent",
                                      {"keys": ", ".join(limited), "field": ("quota", limited[0])})
        return self
