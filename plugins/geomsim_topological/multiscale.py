"""How well the Mapper graphs of two sides agree at every setting of a sweep, beside how stable each graph is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from geomsim import GeomsimError
from geomsim.nulls import Shuffle, Trial
from geomsim.progress import tracked
from geomsim_topological.graphs.membership import membership
from geomsim_topological.metrics.mapper_transport import MapperTransport
from geomsim_topological.rows.row_groups import group_numbers
from geomsim_topological.settings.setting_grid import SettingGrid
from geomsim_topological.settings_choice import check_alike
from geomsim_topological.stability import Stability, row_count, sweep_stability
from geomsim_topological.sweep import Setting, Sweep
from geomsim_topological.whole_numbers import check_whole

Floats = NDArray[np.float64]

_TIE = 1e-9  # in standard deviations; a draw this near counts against surprise


@dataclass(frozen=True, eq=False)
class MultiscaleAgreement:
    """The score of ``mapper-transport`` at each setting, its chance, and the stability of both sides.

    Fields are (settings,); `grid.field` lays one out for a picture. Settings at which a side has no nodes have no
    score: NaN there, and in everything that follows from it.
    """

    settings: tuple[Setting, ...]
    """Those of the left side; those of the right one differ from them in eps at most, see `right.settings`."""
    grid: SettingGrid
    score: Floats
    """From 0, equal sets of rows as nodes, to 1; larger is farther."""
    chance: Floats
    """(settings, draws) the scores of shuffled rows; column j of all settings is one and the same shuffle."""
    p_single: Floats
    """p of each setting by itself, for one that was chosen without a look at the scores, as suggest_settings does."""
    p_values: Floats
    """p of each setting, corrected for how many there are and for choosing the best."""
    left: Stability
    right: Stability
    notes: tuple[str, ...]
    """What a reader must know about the shuffles."""

    @property
    def chance_mean(self) -> Floats:
        """Mean score of shuffled rows."""
        return np.asarray(self.chance.mean(axis=1))

    @property
    def agreement(self) -> Floats:
        """1 - score / chance mean: 1 where the graphs are equal, 0 at chance; 0 where chance is 0 too."""
        mean = self.chance_mean
        share = np.divide(self.score, mean, out=np.ones_like(mean), where=mean > 0)
        return np.where(np.isnan(self.score), np.nan, 1.0 - share)

    @property
    def z(self) -> Floats:
        """How many standard deviations of the draws the score is closer than their mean; 0 where there is no spread."""
        spread = self.chance.std(axis=1, ddof=1) if self.chance.shape[1] > 1 else np.zeros(len(self.score))
        closer = self.chance_mean - self.score
        flat = spread <= _TIE
        return np.where(flat & ~np.isnan(closer), 0.0, closer / np.where(flat, 1.0, spread))

    @property
    def p_value(self) -> float:
        """p of the best setting, corrected for choosing it: do the two agree at any scale?"""
        return float(np.nanmin(self.p_values))

    @property
    def best(self) -> int:
        """The number of the setting with the largest z, the first of equal ones."""
        return int(np.nanargmax(self.z))

    def to_frame(self) -> Any:
        """A pandas table with one row per setting."""
        import pandas as pd

        return pd.DataFrame(
            {
                **{name: [getattr(each, name) for each in self.settings] for name in ("n", "overlap", "eps")},
                "score": self.score,
                "chance_mean": self.chance_mean,
                "agreement": self.agreement,
                "z": self.z,
                "p_single": self.p_single,
                "p_value": self.p_values,
                "stable_share_left": self.left.stable_share,
                "stable_share_right": self.right.stable_share,
            }
        )


def multiscale_agreement(
    left: Sweep, right: Sweep, draws: int = 199, seed: int = 0, groups: ArrayLike | None = None
) -> MultiscaleAgreement:
    r"""The agreement of two sweeps over the same rows, setting by setting, with a p-value for the best of them.

    At each setting s the graphs of both sides are compared by ``mapper-transport``, and again with the right rows
    shuffled; no graph is made again. One shuffle serves all settings. With the scores of a setting brought to one scale
    by the mean and standard deviation of its draws, the observed one among them, and signed so that larger is closer,

    .. math:: p_s = \frac{1 + \#\{b : \max_t z_{bt} \ge z_s\}}{1 + m}

    so that the chance of any p below the level, at any of the settings, stays below the level where rows are unrelated
    (single-step maxT, Westfall and Young 1993).

    Parameters
    ----------
    left, right
        sweeps over the same settings and the same rows. Where eps are numbers, each side may have its own, as in
        :func:`~geomsim_topological.settings_choice.suggest_settings`.
    draws
        m, the number of shuffles, at least 1. Each is one transport for each setting.
    seed
        of the shuffles.
    groups
        (rows,) labels of documents: groups of one size change places whole, with their rows in order.

    Raises GeomsimError for sweeps over different settings or different numbers of rows, for groups that are not one
    label per row, and where at no setting both sides have nodes; InapplicableNull where nothing can be shuffled.
    """
    grid = SettingGrid.of(left.settings)
    check_alike(grid, SettingGrid.of(right.settings))
    n_rows, of_right = row_count(left), row_count(right)
    if n_rows != of_right:
        raise GeomsimError(
            f"both sweeps are over the same rows, got {n_rows} on the left and {of_right} on the right: "
            "take the rows of a pairing on both sides first"
        )
    check_whole("draws", draws, 1)
    labels = None if groups is None else group_numbers(groups, n_rows)
    score, p_single = np.full((2, len(grid.places)), np.nan)
    chance = np.full((len(grid.places), draws), np.nan)
    notes: dict[str, None] = {}
    rows = torch.zeros(n_rows, 1)  # a trial reads off them how many rows there are
    pairs = list(zip(left.graphs, right.graphs, strict=True))
    for number, (one, other) in enumerate(tracked(pairs, len(pairs), "agreement, settings")):
        if not one.names or not other.names:
            continue
        metric, states = MapperTransport(), (membership(one), membership(other))
        score[number] = float(metric.score(*states, torch.arange(n_rows)))
        found = Shuffle().judge(Trial(metric, rows, rows, *states, score[number], labels, draws=draws, seed=seed))
        chance[number], p_single[number] = found.draws, found.p_value
        notes.update(dict.fromkeys(found.notes))
    if np.isnan(score).all():
        raise GeomsimError(
            f"at none of the {len(score)} settings do both graphs have nodes: sweep over larger eps or fewer cubes"
        )
    return MultiscaleAgreement(
        settings=left.settings,
        grid=grid,
        score=score,
        chance=chance,
        p_single=p_single,
        p_values=_corrected(score, chance, p_single),
        left=sweep_stability(left),
        right=sweep_stability(right),
        notes=tuple(notes),
    )


def _closeness(score: Floats, chance: Floats) -> Floats:
    """(settings, 1 + draws): the observed score, then the draws, in standard deviations closer than their mean."""
    every = np.column_stack([score, chance])
    centred = every.mean(axis=1, keepdims=True) - every
    spread = centred.std(axis=1, keepdims=True)
    # Scores that differ by rounding alone have no spread.
    flat = spread <= _TIE
    return np.where(flat & ~np.isnan(every), 0.0, centred / np.where(flat, 1.0, spread))


def _corrected(score: Floats, chance: Floats, p_single: Floats) -> Floats:
    closeness = _closeness(score, chance)
    there = ~np.isnan(score)
    best = closeness[there, 1:].max(axis=0)
    at_least = (best[None, :] >= closeness[there, :1] - _TIE).sum(axis=1)
    p_values = np.full(len(score), np.nan)
    # Few possible orders bound the single p from below, and with it this one.
    p_values[there] = np.maximum((1 + at_least) / (1 + chance.shape[1]), p_single[there])
    return p_values
