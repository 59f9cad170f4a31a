"""Inner products of one symmetric matrix with another whose rows and columns are reordered, order by order.

On the processor a compiled loop, made by numba at its first use. An order looks numbers up all over a matrix, and most
of the time goes into waiting for memory; so the loop goes through the rows of one matrix as they lie, each copied to
where it stays in the cache for several orders, and reads of the other matrix the row that meets it, up to the diagonal.
On an accelerator blocks of rows are moved by tensor operations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geomsim import GeomsimError

_TOGETHER = 16  # orders that share a row: they stay in the cache beside it
_BLOCK_ROWS = 64  # rows that tensor operations move at a time

Floats = NDArray[np.float64]
Places = NDArray[np.uint32]  # unsigned: compiled code need not look for negative indices


def gathered_products(matrix: Tensor, other: Tensor, orders: Tensor) -> Tensor:
    """Sums over rows i and j of matrix[i, j] other[order[i], order[j]] for each of `orders`, (draws,).

    Both matrices are (rows, rows), symmetric, float64; `orders` is (draws, rows). On the processor a sum does not
    depend on the orders beside its own, to the last bit. Raises GeomsimError where an order lacks a row.

    >>> matrix = torch.tensor([[1.0, 2.0], [2.0, 5.0]], dtype=torch.float64)
    >>> gathered_products(matrix, matrix, torch.tensor([[0, 1], [1, 0]])).tolist()
    [34.0, 18.0]
    """
    if matrix.device.type == "cpu":
        return _by_loop(matrix, other, orders)
    return _by_blocks(matrix, other, orders)


def bytes_of_gathered(n_rows: int, device: torch.device) -> int:
    """What :func:`gathered_products` needs for each order: two lists of places, or a block of rows before and after."""
    return 2 * 4 * n_rows if device.type == "cpu" else 2 * 8 * min(_BLOCK_ROWS, n_rows) * n_rows


def _by_loop(matrix: Tensor, other: Tensor, orders: Tensor) -> Tensor:
    draws, n_rows = orders.shape
    places = torch.full((draws, n_rows), -1, dtype=torch.int32)
    places.scatter_(1, orders, torch.arange(n_rows, dtype=torch.int32).expand(draws, -1))
    lacking = (places < 0).any(1)
    if lacking.any():  # the loop would read beyond the matrix
        raise GeomsimError(
            f"order {int(lacking.nonzero()[0])} lacks some of the {n_rows} rows; an order holds every row once"
        )
    # The loop reads rows, so the numbers of a row must lie side by side.
    facing, source = (one.detach().contiguous().numpy() for one in (matrix, other))
    taken, met = (found.contiguous().numpy().view(np.uint32) for found in (orders.int(), places))
    sums = np.zeros(draws)
    for first in range(0, draws, _TOGETHER):
        some = slice(first, first + _TOGETHER)
        _compiled()(facing, source, taken[some], met[some], sums[some])
    return torch.from_numpy(sums)


def _by_blocks(matrix: Tensor, other: Tensor, orders: Tensor) -> Tensor:
    """Block by block on and above the diagonal."""
    draws, n_rows = orders.shape
    sums = matrix.new_zeros(draws)
    for start in range(0, n_rows, _BLOCK_ROWS):
        block = matrix[start : start + _BLOCK_ROWS, start:].clone()
        block[:, len(block) :] *= 2  # these pairs of rows are met once, those in the square on the diagonal twice
        rows = other[orders[:, start : start + _BLOCK_ROWS]]
        moved = rows.gather(2, orders[:, None, start:].expand(-1, len(block), -1))
        sums += moved.view(draws, -1) @ block.view(-1)
    return sums


def _add_products(matrix: Floats, other: Floats, orders: Places, places: Places, sums: Floats) -> None:
    """Add to the sum of each order; ``places[draw, orders[draw, i]]`` is i."""
    n_rows = matrix.shape[0]
    source = np.empty(n_rows)
    for row in range(n_rows):
        for column in range(n_rows):  # one after another: looked up all over, each would be waited for by itself
            source[column] = other[row, column]
        for draw in range(orders.shape[0]):
            place = places[draw, row]
            facing = matrix[place]
            order = orders[draw]
            total = 0.0
            for before in range(place):
                total += facing[before] * source[order[before]]
            sums[draw] += 2.0 * total + facing[place] * source[row]


@cache
def _compiled() -> Callable[[Floats, Floats, Places, Places, Floats], None]:
    """The loop as machine code, kept on disk where a folder can be written; it lets go of the interpreter."""
    import numba

    # Sums may be taken in several lanes.
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}
    try:
        return numba.njit(cache=True, **options)(_add_products)  # type: ignore[no-any-return]
    except RuntimeError:  # neither this folder nor the user's cache can be written
        return numba.njit(**options)(_add_products)  # type: ignore[no-any-return]
