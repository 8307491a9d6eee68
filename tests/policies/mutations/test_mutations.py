"""Each mistake of the table is found by its rule; a valid environment has none; every rule without labelled manifests is held to one."""

import pytest

from gpuplane.policies.registry import all_rules
from tests.policies.labelled_cases import FOLDER, cases
from tests.policies.mutations.engine import Mutation, triggered, unchanged
from tests.policies.mutations.score import report
from tests.policies.mutations.table import MUTATIONS

RULES = {rule.id for rule in all_rules()}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.rule} {mutation.name}")
def test_a_mutation_is_found_by_its_rule_and_by_no_other(mutation: Mutation) -> None:
    assert triggered(mutation) == {mutation.rule, *mutation.also}


@pytest.mark.parametrize("environment", sorted({mutation.environment for mutation in MUTATIONS}))
def test_nothing_is_found_without_a_mutation(environment: str) -> None:
    assert sorted(finding for finding in unchanged(environment) if finding[0] in {mutation.rule for mutation in MUTATIONS}) == []


def test_the_table_speaks_of_rules_that_are_there_and_says_why_others_follow() -> None:
    assert {rule for mutation in MUTATIONS for rule in (mutation.rule, *mutation.also)} <= RULES
    assert all(len(reason) > 15 for mutation in MUTATIONS for reason in mutation.also.values())
    assert len({(mutation.rule, mutation.name) for mutation in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.skipif(FOLDER is None, reason="GPUPLANE_POLICY_CASES is not set: which rules have labelled manifests is not known")
def test_every_rule_without_bad_labelled_manifests_has_a_mutation() -> None:
    labelled = {rule for case in cases() if case.expected == "bad" and case.measured for rule in case.rule.split("|")}

    assert sorted(RULES - labelled - {mutation.rule for mutation in MUTATIONS}) == []


def test_the_score_counts_what_is_killed() -> None:
    assert report().startswith(f"mutations killed: {len(MUTATIONS)} of {len(MUTATIONS)}, of ")
