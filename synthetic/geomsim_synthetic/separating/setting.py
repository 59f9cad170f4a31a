"""What a separating setting says of itself, and the two clouds that are drawn from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from geomsim_synthetic.checks import whole

Points = NDArray[np.float64]
Maker = Callable[[np.random.Generator, bool], tuple[Points, Points]]


@dataclass(frozen=True, eq=False, repr=False)
class SeparatingCase:
    """Two clouds of which it is known whether they share what their setting is about.

    Attributes
    ----------
    left, right
        (rows, width) points. Everything in the left ones is the same in the twin that shares nothing.
    name
        of the setting.
    shared
        whether the two sides share something; False in the control.
    paired
        whether left row i belongs to right row i. Where it does not, rows of the right stand in any order.
    why
        who sees what is shared, and why.
    """

    left: Points
    right: Points
    name: str
    shared: bool
    paired: bool
    why: str

    def __repr__(self) -> str:
        (rows, width), (right_rows, right_width) = self.left.shape, self.right.shape
        return (
            f"SeparatingCase({self.name}: {rows} x {width} and {right_rows} x {right_width}, "
            f"{'shared' if self.shared else 'control'}, {'paired' if self.paired else 'no row correspondence'})"
        )


@dataclass(frozen=True)
class SeparatingSetting:
    """A law from which pairs of clouds are drawn: what they share, and which metrics see it.

    A paired metric misses what is shared when its shuffle test at level .05 finds it in at most 20 of 100 data sets,
    and sees it when it finds it in at least 80. Where scores of shared and control pairs are told apart instead (for
    unpaired metrics, and all metrics where `told_apart`), it misses with an area under the curve of .4 to .6 and sees
    from .8 on. The area is the chance that a shared pair scores closer than a control pair.

    Attributes
    ----------
    name
        what `separating_case` calls it.
    what
        what the two sides share, in plain words.
    why
        who sees it and who does not, and the reason.
    make
        draws left and right from a generator; every draw is made whether shared or not, so twins have one left side.
    paired
        whether rows correspond.
    seen_by, missed_by
        names of metrics, by their defaults. What the tests hold the setting to; other metrics may do either.
    told_apart
        whether the scores of shared and control pairs are compared for paired metrics too, as nothing corresponds that
        a shuffle could break.
    """

    name: str
    what: str
    why: str
    make: Maker
    paired: bool
    seen_by: tuple[str, ...]
    missed_by: tuple[str, ...]
    told_apart: bool = False

    def draw(self, seed: int, *, shared: bool = True) -> SeparatingCase:
        """One pair of clouds; `shared=False` gives the control, whose sides have the same laws and nothing in common.

        Raises InvalidConfig where the seed is no whole number.
        """
        sequence = np.random.SeedSequence(whole("seed", seed, 0), spawn_key=(crc32(self.name.encode()),))
        left, right = self.make(np.random.Generator(np.random.PCG64(sequence)), shared)
        return SeparatingCase(left, right, self.name, shared, self.paired, self.why)
