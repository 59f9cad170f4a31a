from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from metric_checks import random_orders
from torch import Tensor

from geomsim import GeomsimError
from geomsim_representational import gathered
from geomsim_representational.gathered import bytes_of_gathered, gathered_products


def symmetric(rows: int, seed: int) -> Tensor:
    matrix = torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, rows)))
    return matrix + matrix.T


def some_orders(rows: int, draws: int) -> Tensor:
    return random_orders(np.random.default_rng(rows), rows, draws)


# Fewer draws than share a row and more, and rows that no block divides.
@pytest.mark.parametrize(("rows", "draws"), [(1, 1), (2, 3), (63, 1), (64, 15), (65, 16), (200, 37)])
def test_equals_the_plain_sum(rows: int, draws: int) -> None:
    matrix, other, orders = symmetric(rows, 1), symmetric(rows, 2), some_orders(rows, draws)
    plain = [float((matrix * other[order][:, order]).sum()) for order in orders]
    scale = float(matrix.norm() * other.norm())
    for found in (gathered_products(matrix, other, orders), gathered._by_blocks(matrix, other, orders)):
        assert found.tolist() == pytest.approx(plain, abs=1e-13 * scale)


def test_the_function_itself_says_what_the_machine_code_does() -> None:
    matrix, other, orders = symmetric(30, 1), symmetric(30, 2), some_orders(30, 5)
    sums = np.zeros(5)
    gathered._add_products(
        matrix.numpy(),
        other.numpy(),
        orders.numpy().astype(np.uint32),
        orders.argsort(1).numpy().astype(np.uint32),
        sums,
    )
    assert gathered_products(matrix, other, orders).tolist() == pytest.approx(sums.tolist(), rel=1e-12)


def test_a_sum_does_not_depend_on_the_orders_beside_it() -> None:
    matrix, other, orders = symmetric(90, 1), symmetric(90, 2), some_orders(90, 40)
    together = gathered_products(matrix, other, orders)
    one_by_one = torch.cat([gathered_products(matrix, other, order[None]) for order in orders])
    assert torch.equal(together, one_by_one)


def test_takes_views_and_no_orders_at_all() -> None:
    matrix, other, orders = symmetric(20, 1), symmetric(20, 2), some_orders(20, 6)
    expected = gathered_products(matrix, other, orders)
    views = matrix.repeat(1, 2)[:, :20], torch.stack([other, other], 2)[..., 1], orders.T.contiguous().T
    assert torch.equal(gathered_products(*views), expected)
    assert gathered_products(matrix, other, orders[:0]).tolist() == []


def test_refuses_what_is_no_order() -> None:
    matrix, orders = symmetric(5, 1), some_orders(5, 3)
    orders[1, 0] = orders[1, 1]
    with pytest.raises(GeomsimError, match="order 1 lacks some of the 5 rows"):
        gathered_products(matrix, matrix, orders)


def test_memory_for_each_order() -> None:
    assert bytes_of_gathered(3000, torch.device("cpu")) == 24_000
    assert bytes_of_gathered(3000, torch.device("cuda")) == 2 * 8 * 64 * 3000
    assert bytes_of_gathered(10, torch.device("cuda")) == 2 * 8 * 10 * 10


SECOND_PROCESS = """
import sys
import torch
from geomsim_representational import gathered, rsa, cka, distance_correlation
assert not {"numba", "llvmlite"} & set(sys.modules), "numba is imported before it is needed"
gathered.gathered_products(torch.eye(3).double(), torch.eye(3).double(), torch.arange(3)[None])
print(sum(gathered._compiled().stats.cache_misses.values()))
"""


def test_machine_code_is_made_once_and_numba_is_imported_late(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    misses = [
        subprocess.run(
            [sys.executable, "-c", SECOND_PROCESS], env=environment, check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    ]
    assert [int(found) for found in misses] == [1, 0]
