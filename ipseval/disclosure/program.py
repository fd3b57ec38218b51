"""A linear program that is held open: many questions of the same relations, each from where the last one ended.

scipy solves every program from nothing. HiGHS, which scipy calls, goes on from the last vertex when only the question
changes: highspy, by its authors, lets it.
"""

import highspy
import numpy as np
from scipy import sparse

OPTIONS: dict[str, bool | int | str] = {
    "output_flag": False,
    "threads": 1,  # and the seed is fixed: the same questions get the same answers
    "solver": "simplex",
    "simplex_strategy": 4,  # primal: the last vertex stays possible whatever is asked next
}


class Program:
    """Unknown numbers x with A x = b within their bounds; n numbers, m relations.

    Parameters
    ----------
    A : sparse float array, m x n
    b : float array, length m
    lower, upper : float array, length n

    Attributes
    ----------
    work : float
        Steps of the simplex method times numbers and relations, so far: what looking costs, whatever the machine.
    """

    def __init__(self, A: sparse.csr_array, b: np.ndarray, lower: np.ndarray, upper: np.ndarray):
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = A.shape
        model.sense_ = highspy.ObjSense.kMaximize
        model.col_cost_, model.col_lower_, model.col_upper_ = np.zeros(len(lower)), lower, upper
        model.row_lower_, model.row_upper_ = b, b
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = A.indptr, A.indices, A.data
        self._places = np.arange(len(lower), dtype=np.int32)
        self.work = 0.0
        self._highs = highspy.Highs()
        for name, value in OPTIONS.items():
            self._highs.setOptionValue(name, value)
        self._highs.passModel(model)

    def most(self, objective: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The numbers where the objective is largest, and the shadow prices of the relations.

        Raises
        ------
        RuntimeError
            There is no largest value.
        """
        self._highs.changeColsCost(len(objective), self._places, objective)
        if not self._is_solved():
            self._highs.clearSolver()  # from nothing, when the way from the last vertex was lost in rounding
            if not self._is_solved():
                raise RuntimeError(f"the attacker's program ended with {self._highs.getModelStatus().name}")
        found = self._highs.getSolution()
        return np.array(found.col_value), np.array(found.row_dual)

    def _is_solved(self) -> bool:
        self._highs.run()
        steps = self._highs.getInfo().simplex_iteration_count
        self.work += float((steps + 1) * (self._highs.getNumCol() + self._highs.getNumRow()))
        return bool(self._highs.getModelStatus() == highspy.HighsModelStatus.kOptimal)
