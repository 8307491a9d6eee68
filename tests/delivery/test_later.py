"""Rows that are made when somebody looks are made once, and not before."""

from gpuplane.delivery.later import Later


def test_rows_are_made_once_and_only_where_they_are_asked_for() -> None:
    made: list[int] = []

    def make() -> tuple[str, ...]:
        made.append(1)
        return ("a", "b", "c")

    rows = Later(make)
    assert made == []
    assert (len(rows), rows[0], rows[1:], list(rows)) == (3, "a", ("b", "c"), ["a", "b", "c"])
    assert made == [1]
