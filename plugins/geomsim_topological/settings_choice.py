"""The setting at which one sweep, or two sweeps that will be compared, change least."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geomsim import GeomsimError, GeomsimWarning
from geomsim_topological.settings.setting_grid import SettingGrid
from geomsim_topological.stability import Stability, sweep_stability
from geomsim_topological.sweep import Setting, Sweep

_SAME_NOISE = 1e-9


@dataclass(frozen=True, eq=False)
class Suggestion:
    """A setting, and what speaks for it."""

    setting: Setting
    index: int
    """Its number in the sweep."""
    settings: tuple[Setting, ...]
    """The setting of each side: the same one but for eps, where each side has eps of its own."""
    region: NDArray[np.int64]
    """The numbers of the settings around it at which nothing changes, itself included."""
    signatures: tuple[tuple[int, int], ...]
    """(components, loops) of each side, all over the region."""
    text: str
    """What was chosen and why."""

    def __str__(self) -> str:
        return self.text


def suggest_settings(
    left: Sweep | Stability, right: Sweep | Stability | None = None, *, most_noise: float = 0.5
) -> Suggestion:
    """The setting in the middle of the largest stable region, for one sweep or jointly for two.

    A region is a connected part of the grid of settings in which neither the components and loops of the left graph
    nor those of the right one change in number; its middle is the setting with the most steps to its outside, see
    :meth:`geomsim_topological.settings.setting_grid.SettingGrid.centre`. Regions of equal size: the one with less
    noise, then the one with the earlier setting.

    Left and right are never laid side by side: they need not have equally many components or loops, and no row of one
    is looked up in the other. Were the setting chosen at which they agree best, the agreement found there would be too
    good, and its p-value too small. Chosen like this, a shuffle of the rows changes nothing in the choice, and the
    p-value of a comparison at this setting stands as it is.

    Parameters
    ----------
    left, right
        sweeps over the same settings, or their stability where other than the usual thresholds are wanted. They may be
        on different rows. Where eps are numbers, each side may have its own, in its own units: the smallest of one
        side then goes with the smallest of the other.
    most_noise
        settings that leave a larger share of the rows of either side in no node are not suggested, nor those with
        fewer than two nodes.

    Raises GeomsimError for sweeps over different settings, and where no setting may be suggested. Warns where no two
    neighbouring settings have equal signatures.
    """
    if not 0 <= most_noise <= 1:
        raise GeomsimError(f"most_noise is a share of the rows from 0 to 1, got {most_noise}")
    sides = [
        each if isinstance(each, Stability) else sweep_stability(each) for each in (left, right) if each is not None
    ]
    first = sides[0]
    check_alike(first.grid, sides[-1].grid)
    allowed = np.all([(s.by_setting["noise"] <= most_noise) & (s.by_setting["nodes"] >= 2) for s in sides], axis=0)
    if not allowed.any():
        least = np.max([side.by_setting["noise"] for side in sides], axis=0).min()
        raise GeomsimError(
            f"none of the {len(allowed)} settings has two nodes and at most {most_noise:.0%} noise on each side (least "
            f"noise {least:.0%}): sweep over larger eps or fewer cubes, or raise most_noise"
        )
    signatures = tuple(zip(*(side.signatures for side in sides), strict=True))
    region = first.grid.regions([each if fits else None for each, fits in zip(signatures, allowed, strict=True)])
    noise = np.mean([side.by_setting["noise"] for side in sides], axis=0)
    members = _largest(region, allowed, noise)
    chosen = first.grid.centre(members)
    if len(members) == 1 and len(allowed) > 1:
        warnings.warn(
            f"no two neighbouring settings of {len(allowed)} have equally many components and loops, so no setting is "
            "stable: sweep in smaller steps, or count larger features only (least_share of sweep_stability)",
            GeomsimWarning,
            stacklevel=2,
        )
    return Suggestion(
        setting=first.settings[chosen],
        index=chosen,
        settings=tuple(side.settings[chosen] for side in sides),
        region=members,
        signatures=signatures[chosen],
        text=_text(members, sides, chosen, int((~allowed).sum())),
    )


def check_alike(left: SettingGrid, right: SettingGrid) -> None:
    """Raises GeomsimError where two sweeps are not over the same settings in the same order.

    Of eps it asks as many on each side, in the same order, and "knee" in the same places.
    """
    knees = [[eps == "knee" for eps in grid.eps] for grid in (left, right)]
    axes = [(grid.resolutions, grid.overlaps, kinds) for grid, kinds in zip((left, right), knees, strict=True)]
    if axes[0] != axes[1] or not np.array_equal(left.places, right.places):
        raise GeomsimError(
            f"the sweeps are over different settings: {_axes(left)} on the left, {_axes(right)} on the right, or in "
            "another order. Sweep both over the same resolutions and overlaps and as many eps, in the same order"
        )


def _axes(grid: SettingGrid) -> str:
    return (
        f"{_many(len(grid.places), 'setting')} of resolutions {list(grid.resolutions)}, overlaps "
        f"{list(grid.overlaps)}, eps {list(grid.eps)}"
    )


def _largest(region: NDArray[np.int64], allowed: NDArray[np.bool_], noise: NDArray[np.float64]) -> NDArray[np.int64]:
    found = [np.flatnonzero(region == number) for number in np.unique(region[allowed])]
    most = max(map(len, found))
    found = [members for members in found if len(members) == most]
    least = min(float(noise[members].mean()) for members in found)
    return next(members for members in found if noise[members].mean() <= least + _SAME_NOISE)


def _text(members: NDArray[np.int64], sides: list[Stability], chosen: int, left_out: int) -> str:
    setting = sides[0].settings[chosen]
    scales = dict.fromkeys(side.settings[chosen].eps for side in sides)
    eps = " (left) and ".join(each if isinstance(each, str) else f"{each:.4g}" for each in scales)
    eps += " (right)" if len(scales) > 1 else ""
    names = ("left", "right") if len(sides) == 2 else ("the graph",)
    shapes = "; ".join(
        f"{name}: {_many(side.signatures[chosen][0], 'component')}, {_many(side.signatures[chosen][1], 'loop')}, "
        f"{side.by_setting['noise'][chosen]:.0%} noise"
        for name, side in zip(names, sides, strict=True)
    )
    words = (
        f"{setting.n} cubes, overlap {setting.overlap:g}, eps {eps}: the middle of the largest region without change, "
        f"{len(members)} of {_many(len(sides[0].settings), 'setting')} ({shapes})."
    )
    if len(sides) == 2:
        words += " Chosen from each side by itself: how well the two agree was not looked at."
    if left_out:
        words += f" {_many(left_out, 'setting')} with too much noise or fewer than two nodes left out."
    return words


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
