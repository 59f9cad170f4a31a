"""The compiled search for exchanges between cells of a plan. Import it late: it imports numba."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geomsim_topological.kernels.compiled import compiled

Floats = NDArray[np.float64]

_DUST = 1e-16  # what rounding leaves of a cell whose mass has moved


@compiled
def exchange_cells(
    plan: Floats, gradient: Floats, left: Floats, right: Floats, alpha: float, least_gain: float, most: int
) -> int:
    r"""Exchange pairs of cells of a plan as long as that gains, each with its best partner; how often.

    Of cells (i, j) and (i', j') the smaller mass t becomes (i, j') and (i', j). With the gradient G of the objective
    that changes it by

    .. math:: t (G_{ij'} + G_{i'j} - G_{ij} - G_{i'j'}) - 8 \alpha t^2 d(i, i') d'(j, j')

    Cell after cell is looked at, until none gains anything with any other.

    `plan` and `gradient`, up to what is the same for all plans, are changed in place; `left` and `right` are d and d'.
    No more than `most` exchanges are made, and none that gains less than `least_gain`.
    """
    n_left, n_right = plan.shape
    rows = np.empty(n_left * n_right, dtype=np.int64)
    columns = np.empty(n_left * n_right, dtype=np.int64)
    count = 0
    for row in range(n_left):
        for column in range(n_right):
            if plan[row, column] > 0.0:
                rows[count] = row
                columns[count] = column
                count += 1
    done, one, in_vain = 0, 0, 0
    while in_vain < count and done < most:
        one = one + 1 if one + 1 < count else 0
        i, j = rows[one], columns[one]
        mass, own = plan[i, j], gradient[i, j]
        best, partner = -least_gain, -1
        for other in range(count):
            k, m = rows[other], columns[other]
            amount = min(mass, plan[k, m])
            slope = gradient[i, m] + gradient[k, j] - own - gradient[k, m]
            change = amount * (slope - 8.0 * alpha * amount * left[i, k] * right[j, m])
            if change < best:
                best, partner = change, other
        if partner < 0:
            in_vain += 1
            continue
        in_vain = 0
        done += 1
        k, m = rows[partner], columns[partner]
        amount = min(mass, plan[k, m])
        for row, column in ((i, m), (k, j)):
            if plan[row, column] == 0.0:
                rows[count] = row
                columns[count] = column
                count += 1
            plan[row, column] += amount
        plan[i, j] -= amount
        plan[k, m] -= amount
        # The later one first: the last cell, which takes its place, is then never the earlier one.
        for place in (max(one, partner), min(one, partner)):
            if plan[rows[place], columns[place]] <= _DUST:
                plan[rows[place], columns[place]] = 0.0
                count -= 1
                rows[place] = rows[count]
                columns[place] = columns[count]
        factor = -4.0 * alpha * amount
        for row in range(n_left):
            along = factor * (left[row, i] - left[row, k])
            if along != 0.0:
                for column in range(n_right):
                    gradient[row, column] += along * (right[column, m] - right[column, j])
    return done
