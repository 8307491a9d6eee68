"""CP-SAT by its binding, without what the shell around it brings."""

from __future__ import annotations

import subprocess
import sys

from gpuplane.planning.placement.cp_sat import Model


def test_the_least_sum_that_is_allowed() -> None:
    model = Model()
    x, y = model.new_int_var(0, 5, "x"), model.new_int_var(0, 5, "y")
    model.add(x + 2 * y >= 7)
    model.minimize(sum([x, y]))
    answer = model.solved(1.0)
    assert (answer.feasible, answer.optimal, answer.objective, answer.bound) == (True, True, 4, 4)
    assert answer.value(x) + 2 * answer.value(y) >= 7


def test_a_constraint_without_variables_is_true_or_makes_it_impossible() -> None:
    model = Model()
    model.new_int_var(0, 5, "x")
    model.add(0 <= 3)
    assert model.solved(1.0).feasible is True
    model.add(0 >= 3)
    assert model.solved(1.0).feasible is False


def test_a_search_brings_no_pandas() -> None:
    code = ("import sys; from gpuplane.planning.placement.cp_sat import Model; Model().solved(1.0); "
            "assert not {'pandas', 'numpy'} & sys.modules.keys()")
    subprocess.run([sys.executable, "-c", code], check=True)
