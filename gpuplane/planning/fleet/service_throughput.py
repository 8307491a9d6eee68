"""What a service serves within its objectives: a value of the plan, so that money and reports can use it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class ServiceThroughput:
    """What a service's replicas serve within its targets where it is placed.

    Attributes:
        provenance: ``measured``, ``published`` or ``modelled``: of the least trusted profile that it rests on; None: nothing is known.
        requests_per_second: of the whole service, as promised.
        replica_requests_per_second: most of one replica, in the promised mixture; None: not known, or not within the targets.
        replica_input_tokens_per_second, replica_output_tokens_per_second: the same in tokens; None where requests have none.
        replicas_needed: for the load, with the spare; None where there is no replica_requests_per_second.
        known: False where no profile answers.
        reason: why there is no figure, or what to know about it; may be empty.
        sources: profiles with their provenance and ``as_of``.
    """

    provenance: str | None
    requests_per_second: Decimal
    replica_requests_per_second: Decimal | None
    replica_input_tokens_per_second: Decimal | None
    replica_output_tokens_per_second: Decimal | None
    replicas_needed: int | None
    known: bool
    reason: str
    sources: tuple[str, ...]
