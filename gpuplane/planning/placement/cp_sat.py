"""CP-SAT by OR-Tools' own binding: integers, linear constraints, one objective.

``ortools.sat.python.cp_model`` is a shell around the same binding that also takes pandas series, and imports pandas and numpy for them:
half a second for each process that packs a handful of pods. The binding is imported when the first search is made (docs/adr/0009).
"""

from __future__ import annotations

from typing import Any

_ENDLESS = (-(2 ** 63), 2 ** 63 - 1)
"""What CP-SAT takes for no bound."""


class Model:
    """What is asked: variables, then constraints between them."""

    def __init__(self) -> None:
        from ortools.sat.python import cp_model_helper

        self._binding: Any = cp_model_helper
        self._proto = self._binding.CpModelProto()

    def new_int_var(self, least: int, most: int, name: str) -> Any:
        """An integer from ``least`` to ``most``."""
        found = self._binding.IntVar(self._proto)
        said = self._proto.variables[found.index]
        said.name = name
        said.domain.extend([least, most])
        return found

    def add(self, constraint: Any) -> None:
        """A comparison of sums of variables; one without any variable is true or false already."""
        if isinstance(constraint, self._binding.BoundedLinearExpression):
            linear = self._proto.constraints.add().linear
            linear.vars.extend([variable.index for variable in constraint.vars])
            linear.coeffs.extend(constraint.coeffs)
            linear.domain.extend([bound if bound in _ENDLESS else bound - constraint.offset
                                  for bound in constraint.bounds.flattened_intervals()])
        elif not constraint:
            self.add(self.new_int_var(0, 0, "never") >= 1)

    def minimize(self, objective: Any) -> None:
        """What is to be least; a number is least already."""
        if isinstance(objective, int):
            return
        flat, goal = self._binding.FlatIntExpr(objective), self._proto.objective
        goal.vars.extend([variable.index for variable in flat.vars])
        goal.coeffs.extend(flat.coeffs)
        goal.scaling_factor, goal.offset = 1.0, flat.offset

    def solved(self, seconds: float) -> Answer:
        """The answer after so many of CP-SAT's own seconds at most, which count steps."""
        parameters = self._binding.SatParameters()
        parameters.num_workers, parameters.random_seed, parameters.max_deterministic_time = 1, 0, seconds
        search = self._binding.SolveWrapper()
        search.set_parameters(parameters)
        return Answer(self._binding, search.solve(self._proto), self._proto.has_objective())


class Answer:
    """What was found.

    Attributes:
        feasible: whether there is a solution; None: not known.
        optimal: whether none is better.
        objective: value of the best; bound: what none is better than.
    """

    def __init__(self, binding: Any, response: Any, has_objective: bool) -> None:
        status, self._binding, self._response = binding.CpSolverStatus, binding, response
        self.optimal = response.status == status.OPTIMAL
        self.feasible = {status.OPTIMAL: True, status.FEASIBLE: True, status.INFEASIBLE: False}.get(response.status)
        self.objective = round(response.objective_value) if has_objective and self.feasible else 0
        self.bound = int(-(-response.best_objective_bound // 1))

    def value(self, variable: Any) -> int:
        """Of a variable in the best solution."""
        return int(self._binding.ResponseHelper.value(self._response, variable))
