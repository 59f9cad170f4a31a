"""Products of codes on a torch device: dense chunks of tokens, in half precision where that is sound.

Tensor cores multiply dense half-precision matrices so fast that the zeros cost less than skipping them. Products come
out in float32; what rounding may have done to them is bounded in :class:`Products`. On the CPU the same numbers are
rounded to half precision and multiplied in float32, which is what tensor cores do.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.coactivation_sums import Floats, Side, slices

if TYPE_CHECKING:
    import torch

# Matrix products are fastest where all sizes are multiples of this.
_MULTIPLE = 64
_LONGEST_CHUNK = 16_384
# Bytes per pair of latents: sums, co-firings, and the product that is being added.
_BYTES_PER_PAIR = 16


class Layout(NamedTuple):
    """How the work is cut: latents of a tile's side, tokens of a chunk, right latents that are scored together."""

    tile: int
    chunk: int
    strip: int


class Products(NamedTuple):
    r"""Sums of products of the scaled values of some right latents (rows) with left ones, and their co-firings.

    ``sums`` differ from the exact ones by at most ``slack`` times the sum of the products' magnitudes, plus
    ``floor`` times the co-firings. With u half a unit in the last place of one value (2**-11 for half precision, 2**-24
    for float32), m the most products that were added up in one chunk (at most the firings of the rarer latent in its
    fullest chunk) and c chunks, ``slack = 2 u + u**2 + (m + c + 16) 2**-22``: two roundings per product, and twice
    2**-23 for each addition, since tensor cores cut off where others round. Values are scaled by powers of two to at
    most 1, so that those too small for half precision are off by at most 2**-25.
    """

    sums: torch.Tensor
    cofirings: torch.Tensor
    slack: torch.Tensor
    floor: float


class DeviceSide:
    """One side's codes, to be made dense on the device; only `latents` (those that may have a partner) are."""

    def __init__(self, side: Side, latents: NDArray[np.int64], device: torch.device) -> None:
        self.matrix, self.latents, self.device = side.matrix, latents, device
        largest = np.zeros(side.n_latents)
        columns = side.columns
        filled = np.flatnonzero(np.diff(columns.starts.astype(np.int64)))
        if len(filled):
            largest[filled] = np.maximum.reduceat(np.abs(columns.values), columns.starts[filled].astype(np.int64))
        exponent = np.frexp(largest)[1]
        # A power of two changes no digit.
        self.scale: Floats = np.ldexp(1.0, exponent)[latents]
        self.positive = not len(columns.values) or bool(columns.values.min() >= 0)
        self._place = np.full(side.n_latents, -1, dtype=np.int64)

    def chunk(self, tokens: slice, part: slice, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        """Scaled values and supports of some tokens and latents, dense; padded with zeros to whole multiples."""
        import torch

        starts = self.matrix.indptr[tokens.start : tokens.stop + 1].astype(np.int64)
        inside = slice(int(starts[0]), int(starts[-1]))
        place = self._places(part)
        rows = torch.repeat_interleave(
            torch.arange(len(starts) - 1, device=self.device), torch.tensor(np.diff(starts), device=self.device)
        )
        columns = place[torch.tensor(self.matrix.indices[inside], device=self.device).long()]
        values = torch.tensor(self.matrix.data[inside], device=self.device)
        kept = columns >= 0
        columns, values = columns[kept], values[kept]
        inverse = torch.tensor(1 / self.scale[part], dtype=torch.float32, device=self.device)
        shape = _padded(len(starts) - 1), _padded(part.stop - part.start)
        where = rows[kept] * shape[1] + columns
        dense, fires = (torch.zeros(shape[0] * shape[1], dtype=dtype, device=self.device) for _ in range(2))
        dense[where] = (values * inverse[columns]).to(dtype)
        fires[where] = 1
        return dense.view(shape), fires.view(shape)

    def _places(self, part: slice) -> torch.Tensor:
        """By latent: its column in a tile, -1 for those outside."""
        import torch

        place = self._place.copy()
        place[self.latents[part]] = np.arange(part.stop - part.start)
        return torch.tensor(place, device=self.device)


def layout(device: torch.device, n_left: int, n_right: int, budget: int) -> Layout:
    """Tiles that fit the free memory of the device; `budget` bytes where it is the CPU."""
    import torch

    free = torch.cuda.mem_get_info(device)[0] * 7 // 10 if device.type == "cuda" else budget
    tile = int((free / 2 / _BYTES_PER_PAIR) ** 0.5) // _MULTIPLE * _MULTIPLE
    tile = max(_MULTIPLE, min(tile, _padded(max(n_left, n_right))))
    # Values and supports of both sides, with what is needed to make them.
    chunk = min(_LONGEST_CHUNK, max(_MULTIPLE, free // 4 // (32 * tile) // _MULTIPLE * _MULTIPLE))
    return Layout(tile, chunk, max(_MULTIPLE, min(tile, free // 4 // (64 * tile))))


def products(left: DeviceSide, right: DeviceSide, columns: slice, rows: slice, chunk: int, *, values: bool) -> Products:
    """All pairs of a tile. Without `values` only co-firings count, and ``sums`` are 0."""
    import torch

    half = left.positive and right.positive
    dtype = torch.float16 if half else torch.float32
    shape = rows.stop - rows.start, columns.stop - columns.start
    padded = _padded(shape[0]), _padded(shape[1])
    sums = torch.zeros(padded, dtype=torch.float32, device=left.device)
    cofirings = torch.zeros(padded, dtype=torch.int32, device=left.device)
    fullest = [torch.zeros(width, dtype=torch.float32, device=left.device) for width in padded]
    chunks = list(slices(int(left.matrix.shape[0]), chunk))
    for tokens in chunks:
        right_values, right_fires = right.chunk(tokens, rows, dtype)
        left_values, left_fires = left.chunk(tokens, columns, dtype)
        if values:
            sums += _product(right_values, left_values)
        cofirings += _product(right_fires, left_fires).to(torch.int32)  # exact: a chunk has fewer than 2**24 tokens
        for most, fires in zip(fullest, (right_fires, left_fires), strict=True):
            torch.maximum(most, fires.sum(dim=0, dtype=torch.float32), out=most)
    unit = 2.0**-11 if half else 2.0**-24
    most = torch.minimum(fullest[0][: shape[0], None], fullest[1][None, : shape[1]])
    slack = 2 * unit + unit**2 + (most + len(chunks) + 16) * 2.0**-22
    floor = 2.0**-23 if half else 0.0
    return Products(sums[: shape[0], : shape[1]], cofirings[: shape[0], : shape[1]], slack, floor)


def product_on(device: torch.device, one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """``one.T @ other`` on the device, with as many digits as they have."""
    import torch

    both = [torch.from_numpy(np.ascontiguousarray(values)).to(device) for values in (one, other)]
    return np.asarray((both[0].T @ both[1]).cpu().numpy())


def _product(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """``one.T @ other`` in float32, from half precision or float32."""
    import torch

    if one.dtype == torch.float16 and one.is_cuda and _half_gives_float32(one.device):
        any_torch: Any = torch  # the argument is younger than the type hints of the oldest torch that is allowed
        return any_torch.mm(one.T, other, out_dtype=torch.float32)  # type: ignore[no-any-return]
    precision = torch.get_float32_matmul_precision()
    try:
        # TF32 has as many digits as half precision, whose numbers it holds exactly.
        torch.set_float32_matmul_precision("high" if one.dtype == torch.float16 else "highest")
        return one.float().T @ other.float()
    finally:
        torch.set_float32_matmul_precision(precision)


@functools.cache
def _half_gives_float32(device: torch.device) -> bool:
    """Whether this torch multiplies half precision into float32 (from 2.8 on, on CUDA)."""
    import torch

    small = torch.ones((16, 16), dtype=torch.float16, device=device)
    any_torch: Any = torch
    try:
        return bool(any_torch.mm(small, small, out_dtype=torch.float32).dtype == torch.float32)
    except (TypeError, RuntimeError):
        return False


def _padded(size: int) -> int:
    return -(-size // _MULTIPLE) * _MULTIPLE
