"""Where random numbers come from: one generator for each kind of draw, so that no option disturbs another's numbers."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Draw(IntEnum):
    """What is drawn. A number, once given, keeps its meaning: old seeds keep their bits when kinds are added."""

    SHARING = 0
    ARRANGEMENT = 1
    TURNING = 2
    ISOMETRY = 3
    OWN_DIRECTIONS = 4
    ROW_ORDER = 5
    FIRING = 6
    MAGNITUDE = 7
    NOISE = 8
    SEEN = 9
    STRUCTURE = 10
    STRUCTURE_MAGNITUDE = 11
    STRUCTURE_PLACE = 12
    DENSE = 13
    DENSE_MAGNITUDE = 14
    EXTRA_DIRECTIONS = 15
    WORDS = 16
    VOCABULARY = 17
    JUNK_MAGNITUDE = 18
    DRIFT = 19
    OUTLIERS = 20
    OUTLIER_PLACE = 21
    FAULT_PLACE = 22
    FAULT_DRAW = 23
    FAULT_DIRECTION = 24


def generator(seed: int, what: Draw, *place: int) -> np.random.Generator:
    """The generator of one kind of draw at one place (a side, a structure, a block of tokens).

    Generators of different kinds or places are independent streams (``SeedSequence`` spawn keys); none is global.

    >>> draws = [generator(0, Draw.FIRING, side).random() for side in (0, 1, 0)]
    >>> draws[0] == draws[2] != draws[1]
    True
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(int(what), *place))))
