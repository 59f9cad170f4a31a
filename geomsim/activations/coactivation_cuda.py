r"""Co-activation on a GPU: all pairs roughly, then those that may be among the best exactly.

1. Sums of products and co-firings of a tile of latents come as dense products (:mod:`device_products`): the sums are
   rounded, the co-firings exact. So each r lies between a low and a high value, apart by a bound that is proved there.
2. The `top`-th largest low value of a latent is no larger than its `top`-th largest r. A pair whose high value is below
   that of both its latents is among the best of neither; all others are kept.
3. The sums of the kept pairs are taken again in float64, token by token, as without a GPU: the bits are the same.

The bound is watched: an exact r outside its low and high value is proof that the device adds up worse than assumed.
Everything is then done again with a wider margin.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.best_partners import Best
from geomsim.activations.coactivation_sparse import pair_products
from geomsim.activations.coactivation_sums import Floats, Integers, Side, correlation, slices
from geomsim.activations.device_products import DeviceSide, Products, layout, products
from geomsim.errors import GeomsimError, GeomsimWarning, InvalidConfig

if TYPE_CHECKING:
    import torch

# Rounding of r itself in float32: a few operations on its two terms.
_ROUNDING = 2.0**-20
# r is rounded to 12 decimals, and what ties then must be kept.
_TIE = 1e-10
_WIDEST_MARGIN = 1 << 10
_PAIRS_AT_ONCE = 1 << 22


class _Kept(NamedTuple):
    """Pairs that may be among the best: their co-firings, and r on the device with its bound."""

    of_left: Integers
    of_right: Integers
    cofirings: Integers
    r: Floats
    bound: Floats


class _Terms(NamedTuple):
    """What scores need of the latents of one side, float32 on the device, each (latents,).

    With s the scale of the values on the device and v the variation: ``weight`` is s / sqrt(v), ``mean`` the sum over
    sqrt(n v), ``root`` the root of the sum of squares over v.
    """

    weight: torch.Tensor
    mean: torch.Tensor
    root: torch.Tensor
    firings: torch.Tensor

    @classmethod
    def of(cls, side: Side, device_side: DeviceSide) -> _Terms:
        import torch

        latents = device_side.latents
        spread = np.sqrt(side.variation[latents])
        columns = (
            device_side.scale / spread,
            side.total[latents] / (np.sqrt(side.n_tokens) * spread),
            np.sqrt(side.squares[:, latents].sum(axis=0)) / spread,
            side.firings[latents],
        )
        return cls(*(torch.tensor(column, dtype=torch.float32, device=device_side.device) for column in columns))

    def part(self, latents: slice) -> _Terms:
        return _Terms(*(column[latents] for column in self))


class _BoundExceededError(Exception):
    """An exact r was this many times as far off as it may be."""


def cuda_device(device: Any) -> torch.device | None:
    """The GPU that was asked for, None for the CPU; InvalidConfig where there is none."""
    if device is None:
        return None
    import torch

    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InvalidConfig(f"device {device!r} is none: {error}") from None
    if found.type == "cpu":
        return None
    if found.type != "cuda":
        raise InvalidConfig(f"co-activation runs on cpu or cuda, not on {found.type}; leave device out")
    if not torch.cuda.is_available() or (found.index or 0) >= torch.cuda.device_count():
        raise InvalidConfig(
            f"device {str(found)!r}: torch sees {torch.cuda.device_count()} GPUs; leave device out to use the CPU"
        )
    return found


def offer_on_device(
    left: Side,
    right: Side,
    eligible: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    best_left: Best,
    best_right: Best,
    min_cofirings: int,
    budget: int,
    device: torch.device,
) -> int:
    """What :func:`coactivation_sparse.offer_sparse` does, with a GPU.

    Raises GeomsimError when the device's sums are far worse than float32.
    """
    latents = np.flatnonzero(eligible[0]), np.flatnonzero(eligible[1])
    if not len(latents[0]) or not len(latents[1]):
        return 0
    sides = DeviceSide(left, latents[0], device), DeviceSide(right, latents[1], device)
    margin = 1.0
    while True:
        search = _Search(left, right, *sides, best_left.r.shape[1], min_cofirings, margin)
        try:
            enough = search.run(budget)
        except _BoundExceededError as error:
            exceeded = float(error.args[0])
            margin *= 2 * exceeded
            if not margin <= _WIDEST_MARGIN:
                raise GeomsimError(
                    f"products on {device} are off by {exceeded:.3g} times what rounding explains; leave device out"
                ) from None
            warnings.warn(
                f"products on {device} are off by {exceeded:.3g} times the bound for half precision; done again with "
                f"{margin:.3g} times the margin, which costs time but no digit",
                GeomsimWarning,
                stacklevel=2,
            )
            continue
        for best, found in ((best_left, search.best_left), (best_right, search.best_right)):
            best.partner[:], best.r[:], best.cofirings[:] = found.partner, found.r, found.cofirings
        return enough


class _Search:
    """One run over all tiles with one margin."""

    def __init__(
        self,
        left: Side,
        right: Side,
        device_left: DeviceSide,
        device_right: DeviceSide,
        top: int,
        min_cofirings: int,
        margin: float,
    ) -> None:
        import torch

        self.left, self.right, self.device_left, self.device_right = left, right, device_left, device_right
        self.top, self.min_cofirings, self.margin = top, min_cofirings, margin
        self.best_left, self.best_right = Best(right.n_latents, top), Best(left.n_latents, top)
        self.device = device_left.device
        # The largest low values of each latent so far, (latents, top).
        self.lows = [
            torch.full((len(side.latents), top), -torch.inf, device=self.device) for side in (device_left, device_right)
        ]
        self.terms = [_Terms.of(left, device_left), _Terms.of(right, device_right)]
        self.jaccard = left.measure == "jaccard"

    def run(self, budget: int) -> int:
        """Offer everything to the best; how many pairs co-fire often enough."""
        cut = layout(self.device, len(self.device_left.latents), len(self.device_right.latents), budget)
        enough = 0
        for rows in slices(len(self.device_right.latents), cut.tile):
            for columns in slices(len(self.device_left.latents), cut.tile):
                tile = products(self.device_left, self.device_right, columns, rows, cut.chunk, values=not self.jaccard)
                enough += int((tile.cofirings >= self.min_cofirings).sum())
                strips = list(slices(rows.stop - rows.start, cut.strip))
                for strip in strips:
                    self._raise_lows(tile, rows, columns, strip)
                for kept in _gathered(self._kept(tile, rows, columns, strip) for strip in strips):
                    self._refine(kept)
        return enough

    def _raise_lows(self, tile: Products, rows: slice, columns: slice, strip: slice) -> None:
        import torch

        r, bound = self._scored(tile, rows, columns, strip)
        if int(torch.isfinite(r).sum()) < int((tile.cofirings[strip] >= self.min_cofirings).sum()):
            raise _BoundExceededError(np.inf)  # an overflow, or a broken device
        low = r - bound
        here = slice(rows.start + strip.start, rows.start + strip.stop)
        for lows, part, values in ((self.lows[1], here, low), (self.lows[0], columns, low.T)):
            both = torch.cat([lows[part], values], dim=1)
            lows[part] = torch.topk(both, self.top, dim=1).values

    def _kept(self, tile: Products, rows: slice, columns: slice, strip: slice) -> _Kept:
        import torch

        r, bound = self._scored(tile, rows, columns, strip)
        high = r + bound
        here = slice(rows.start + strip.start, rows.start + strip.stop)
        wanted = (high >= self.lows[1][here, -1:]) | (high >= self.lows[0][columns, -1])
        row, column = (wanted & torch.isfinite(r)).nonzero(as_tuple=True)
        return _Kept(
            self.device_left.latents[columns][column.cpu().numpy()],
            self.device_right.latents[here][row.cpu().numpy()],
            tile.cofirings[strip][row, column].cpu().numpy().astype(np.int64),
            r[row, column].cpu().numpy().astype(np.float64),
            bound[row, column].cpu().numpy().astype(np.float64),
        )

    def _scored(self, tile: Products, rows: slice, columns: slice, strip: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """R of some right latents with left ones and how far off it may be; -inf where too few co-fire."""
        here = slice(rows.start + strip.start, rows.start + strip.stop)
        right, left = self.terms[1].part(here), self.terms[0].part(columns)
        sums, together = tile.sums[strip], tile.cofirings[strip]
        counts = together.float()
        if self.jaccard:
            r = counts / (right.firings[:, None] + left.firings[None, :] - counts)
            bound = r * _ROUNDING + _TIE
        else:
            weight = right.weight[:, None] * left.weight[None, :]
            shared, expected = sums * weight, right.mean[:, None] * left.mean[None, :]
            r = shared - expected
            slack, floor = self.margin * tile.slack[strip], self.margin * tile.floor * counts * weight
            if self.device_left.positive and self.device_right.positive:
                # Products are their own magnitudes, whose sum is known as well as they are.
                magnitude = (shared + floor) / (1 - slack).clamp_min(0.5)
            else:
                # By Cauchy-Schwarz the magnitudes add up to no more than this.
                magnitude = right.root[:, None] * left.root[None, :]
            bound = slack * magnitude + floor + _ROUNDING * (shared.abs() + expected.abs()) + _TIE
        few = together < self.min_cofirings
        return r.masked_fill_(few, -float("inf")), bound.masked_fill_(few, 0.0)

    def _refine(self, kept: _Kept) -> None:
        if self.jaccard:
            exact = kept.cofirings.astype(np.float64)
        else:
            columns = self.left.columns, self.right.columns
            exact = pair_products(*columns, self.left.n_tokens, kept.of_left, kept.of_right)
        r = correlation(exact, self.right, kept.of_right, self.left, kept.of_left)
        off = np.abs(r - kept.r) / kept.bound
        if len(off) and not off.max() <= 1:
            raise _BoundExceededError(float(off.max()))
        self.best_left.offer(kept.of_right, kept.of_left, r, kept.cofirings)
        self.best_right.offer(kept.of_left, kept.of_right, r, kept.cofirings)


def _gathered(parts: Iterator[_Kept]) -> Iterator[_Kept]:
    """The same pairs in fewer pieces: many are refined on all cores at once."""
    waiting: list[_Kept] = []
    for part in parts:
        waiting.append(part)
        if sum(len(kept.r) for kept in waiting) >= _PAIRS_AT_ONCE:
            yield _Kept(*(np.concatenate(columns) for columns in zip(*waiting, strict=True)))
            waiting = []
    if waiting:
        yield _Kept(*(np.concatenate(columns) for columns in zip(*waiting, strict=True)))
