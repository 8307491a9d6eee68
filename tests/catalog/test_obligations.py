"""What each class of data is owed: rows that an environment makes stricter, never weaker."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.catalog.obligations import NAMES, load_obligations, strengthened, weaker
from gpuplane.catalog.overlay import catalog_of
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.obligations import ClassObligations
from gpuplane.spec.policies import Policies
from gpuplane.spec.vocabulary import DATA_CLASSES
from tests.spec.wish import Wish

DAYS = st.none() | st.integers(1, 36_500)
DEMANDS = st.builds(
    ClassObligations, customer_keys=st.none() | st.booleans(), tls=st.none() | st.booleans(), retention_days=DAYS, offboarding_days=DAYS,
    payload_logging=st.sampled_from([None, "allowed", "forbidden"]),
    external_fallback=st.sampled_from([None, "allowed", "approved", "agreement", "forbidden"]))


def test_every_class_has_a_row_and_more_sensitive_data_is_owed_no_less() -> None:
    rows = load_obligations()

    assert tuple(rows) == DATA_CLASSES
    for below, above in pairwise(DATA_CLASSES):
        assert [name for name in NAMES if weaker(getattr(rows[above], name), getattr(rows[below], name))] == []
    assert all(row.source for row in rows.values())


def test_the_wish_can_ask_for_each_obligation_of_the_catalogue() -> None:
    assert tuple(ClassObligations.model_fields) == NAMES


@given(st.dictionaries(st.sampled_from(DATA_CLASSES), DEMANDS))
def test_no_demand_ever_makes_a_row_weaker(said: dict[str, ClassObligations]) -> None:
    found, shipped = strengthened(Policies.model_construct(obligations=said)), load_obligations()

    for name in DATA_CLASSES:
        for each in NAMES:
            value = getattr(found[name], each)
            assert not weaker(value, getattr(shipped[name], each))
            demanded = getattr(said.get(name), each, None)
            assert demanded is None or not weaker(value, demanded)


def test_what_an_environment_demands_counts_for_that_class_and_those_above() -> None:
    found = strengthened(Policies(obligations={"confidential": ClassObligations(retention_days=100, payload_logging="forbidden")}))

    assert [found[name].retention_days for name in DATA_CLASSES] == [None, None, 100, 100, 100]
    assert [found[name].payload_logging for name in DATA_CLASSES] == ["allowed", "allowed", *["forbidden"] * 3]


@pytest.mark.parametrize(("said", "field", "message"), [
    ("pii: {retention_days: 400}", "personal.retention_days", "400 is weaker than what personal data is owed anyway: 365."),
    ("personal: {customer_keys: false}", "personal.customer_keys", "false is weaker than what personal data is owed anyway: true."),
    ("special: {external_fallback: agreement}", "special.external_fallback", "agreement is weaker than what special data is owed anyway"),
    ("internal: {external_fallback: allowed}", "internal.external_fallback", "allowed is weaker than")])
def test_an_environment_that_asks_for_less_is_told_so(tmp_path: Path, said: str, field: str, message: str) -> None:
    spec = Wish(tmp_path).change("environment.yaml", "  cohorts:\n", f"  policies: {{obligations: {{{said}}}}}\n  cohorts:\n").load()

    with pytest.raises(InvalidSpec, match=re.escape(message)) as caught:
        catalog_of(spec)

    error = caught.value.errors[0]
    assert error.path == f"spec.policies.obligations.{field}"
    assert "policies:" in Path(error.file).read_text().splitlines()[error.line - 1]


def test_an_environment_that_asks_for_more_is_granted(tmp_path: Path) -> None:
    spec = Wish(tmp_path).change("environment.yaml", "  cohorts:\n", "  policies: {obligations: {pii: {retention_days: 30}}}\n  cohorts:\n").load()

    assert catalog_of(spec)
    assert strengthened(spec.environment.spec.policies)["personal"].retention_days == 30
