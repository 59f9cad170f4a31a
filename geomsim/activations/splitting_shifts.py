"""Whether the other text of a splitting was shifted often enough to tell anything, and how often would do."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import numpy as np

from geomsim.activations.best_by_chance import ChancePartners
from geomsim.activations.splitting_classes import DIRECTIONS, Side
from geomsim.activations.splitting_table import LatentFacts
from geomsim.errors import GeomsimWarning

# Fewer latents beyond all shifts may be so by chance: of 4,096 latents and 5 shifts some 8 are, of 500 one.
_SEVERAL = 5


def warn_of_few_shifts(chance: ChancePartners, judged: Mapping[Side, LatentFacts], alpha: float) -> None:
    """GeomsimWarning where p-values of so few shifts are too large for what is there.

    The smallest p of m shifts and windows of w latents is 1 / (1 + m w). Of n tested latents k that reach it have the
    q-value n / (k (1 + m w)), however far they are beyond chance: with few such latents none counts at `alpha`. Where
    that q is one half or less, most of them are real.
    """
    for side, direction in DIRECTIONS.items():
        least, tested = chance.least_p(direction), len(chance.maxima(direction))
        window = (1 / least - 1) / chance.shifts
        reach_it = int(np.count_nonzero(judged[side].p <= least))
        if least > alpha:
            _warn(
                f"{chance.shifts} shifts of so few {side} latents give no p-value below {least:.2g}, so none is beyond "
                f"chance at alpha={alpha:g}; make at least {math.ceil((1 / alpha - 1) / window)} shifts"
            )
        elif reach_it >= _SEVERAL and alpha < (q := float(judged[side].q.min())) <= 0.5:
            _warn(
                f"{reach_it} of {tested} tested {side} latents lie further inside another one than any did by chance, "
                f"but {chance.shifts} shifts give them a q-value of {q:.2g}, so none is beyond "
                f"chance at alpha={alpha:g}; make at least {math.ceil((tested / (alpha * reach_it) - 1) / window)} "
                "shifts"
            )


def _warn(text: str) -> None:
    # Of three callers, the last is the one that asked for a splitting.
    warnings.warn(text, GeomsimWarning, stacklevel=4)
