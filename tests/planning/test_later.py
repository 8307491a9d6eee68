"""Rows that are made when somebody looks are made once, and not before."""

import pickle

from gpuplane.planning.later import Later


def test_rows_are_made_once_and_only_where_they_are_asked_for() -> None:
    made: list[int] = []

    def make() -> tuple[str, ...]:
        made.append(1)
        return ("a", "b", "c")

    rows = Later(make)
    assert made == []
    assert (len(rows), rows[0], rows[1:], list(rows)) == (3, "a", ("b", "c"), ["a", "b", "c"])
    assert made == [1]


def test_rows_are_equal_to_the_same_rows_and_go_to_other_processes_as_they_are() -> None:
    rows = Later(lambda: ("a", "b"))
    assert rows == ("a", "b") == rows
    assert rows == Later(lambda: ["a", "b"])
    assert rows != ("a",)
    assert rows != 1
    assert pickle.loads(pickle.dumps(rows)) == ("a", "b")


def test_a_length_that_is_known_makes_no_rows() -> None:
    assert len(Later(lambda: 1 / 0, 3)) == 3  # type: ignore[arg-type, return-value]
