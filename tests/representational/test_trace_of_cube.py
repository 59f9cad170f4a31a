from __future__ import annotations

import numpy as np
import pytest
import torch

from geomsim_representational.trace_of_cube import trace_of_cube


# One block, blocks that fill up and blocks that do not.
@pytest.mark.parametrize("rows", [1, 2, 255, 256, 257, 520, 800])
def test_equals_the_sum_of_cubed_eigenvalues(rows: int) -> None:
    matrix = torch.from_numpy(np.random.default_rng(rows).normal(size=(rows, rows)) + 0.5)
    matrix = matrix + matrix.T
    eigenvalues = torch.linalg.eigvalsh(matrix)
    expected, scale = float(eigenvalues.pow(3).sum()), float(eigenvalues.abs().pow(3).sum())
    assert trace_of_cube(matrix) == pytest.approx(expected, abs=1e-12 * scale)


def test_leaves_the_matrix_as_it_is() -> None:
    matrix = torch.ones(300, 300, dtype=torch.float64)
    assert trace_of_cube(matrix) == 300.0**3
    assert bool((matrix == 1).all())
