"""One mistake, one refusal: what only follows from something that is refused already is not said again.

Dropped is only what the correction of the named mistake takes away; a mistake of its own is refused beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal

from gpuplane.planning.demand import Demand, Demands
from gpuplane.planning.money.ledger import EnvironmentMoney
from gpuplane.planning.refusal import (
    ENGINE_ON_GPU,
    FEATURE_ON_GPU,
    MODEL_OVER_MEMORY,
    OLD_DRIVER,
    OTHER_GPU,
    OVER_BUDGET,
    SLOW_START,
    WORST_CASE_OVER_LIMIT,
    Refusal,
)
from gpuplane.spec.environment_spec import EnvironmentSpec

_OF_THE_GPU = frozenset({ENGINE_ON_GPU, FEATURE_ON_GPU, MODEL_OVER_MEMORY, OLD_DRIVER, SLOW_START})
"""Rules whose answer is another one on another GPU."""


def independent(refusals: Collection[Refusal], spec: EnvironmentSpec) -> Iterator[Refusal]:
    """Refusals without those on the GPU of a pool that names one GPU and has another: which of the two counts is open."""
    # Where only the numbers of GPUs differ, the GPU is known.
    torn = {(refusal.file, refusal.needed) for refusal in refusals if refusal.rule == OTHER_GPU}
    pools = {name for name, pool in spec.pools.items() if (spec.places[("NodePool", name)].file, pool.spec.gpu) in torn}
    files = {spec.places[("NodePool", name)].file for name in pools}
    files |= {entry.place.file for entry in spec.services.values() if entry.document.spec.placement.pool in pools}
    return (refusal for refusal in refusals if refusal.rule not in _OF_THE_GPU or refusal.file not in files)


def placeable(asked: tuple[Demand, ...], impossible: Collection[str]) -> tuple[Demand, ...]:
    """Demands of replicas that a node can take; what the others add up to says nothing.

    Args:
        impossible: files of services whose replica asks for more devices than a node has.
    """
    return tuple(demand for demand in asked if demand.entry.place.file not in impossible)


def budgets_without(refusals: Iterator[Refusal], asked: Demands, money: EnvironmentMoney, impossible: Collection[str]) -> Iterator[Refusal]:
    """Refused budgets of tenants, without those that hold once the impossible replicas are left out."""
    for refusal in refusals:
        if refusal.rule not in (OVER_BUDGET, WORST_CASE_OVER_LIMIT) or not refusal.tenant:
            yield refusal
            continue
        basis = money.tenants[refusal.tenant].budget.basis if refusal.rule == OVER_BUDGET else "worst_case"
        lost = [money.pools[demand.pool].services[demand.entry.name].month.at(basis) for demand in asked.get(refusal.tenant, ())
                if demand.entry.place.file in impossible and demand.entry.name in money.pools[demand.pool].services]
        if Decimal(refusal.needed) - sum((amount for amount in lost if amount is not None), Decimal(0)) > Decimal(refusal.available):
            yield refusal
