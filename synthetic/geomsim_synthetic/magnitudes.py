"""How strongly a feature fires when it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim_synthetic.checks import number, one_of

Law = Literal["uniform", "constant", "exponential", "lognormal", "half-normal"]
_LOG_DEVIATION = 0.5


@dataclass(frozen=True)
class Magnitudes:
    """The law of magnitudes, all above 0, and their mean.

    Parameters
    ----------
    law
        ``"uniform"`` on [0.5, 1.5) times the scale, so that a firing is never faint; ``"constant"``;
        ``"exponential"``; ``"lognormal"`` with standard deviation 0.5 of the logarithm; ``"half-normal"``.
    scale
        the mean.

    >>> Magnitudes("exponential", 3.0).second_moment
    18.0
    """

    law: Law = "uniform"
    scale: float = 1.0

    def __post_init__(self) -> None:
        one_of("magnitudes", self.law, get_args(Law))
        number("magnitude_scale", self.scale, float(np.finfo(np.float32).tiny))

    @property
    def second_moment(self) -> float:
        """The mean of the square."""
        relative = {
            "uniform": 13.0 / 12.0,
            "constant": 1.0,
            "exponential": 2.0,
            "lognormal": np.exp(_LOG_DEVIATION**2),
            "half-normal": np.pi / 2.0,
        }[self.law]
        return float(relative * self.scale**2)

    def draw(self, generator: np.random.Generator, n: int) -> NDArray[np.float32]:
        """`n` independent magnitudes, (n,) float32."""
        if self.law == "uniform":
            drawn = 0.5 + generator.random(n, dtype=np.float32)
        elif self.law == "constant":
            drawn = np.ones(n, dtype=np.float32)
        elif self.law == "exponential":
            drawn = generator.standard_exponential(n, dtype=np.float32)
        else:
            normal = generator.standard_normal(n, dtype=np.float32)
            if self.law == "lognormal":
                drawn = np.exp(np.float32(_LOG_DEVIATION) * normal - np.float32(_LOG_DEVIATION**2 / 2.0))
            else:
                drawn = np.abs(normal) * np.float32(np.sqrt(np.pi / 2.0))
        # A magnitude of 0 would be no firing; the smallest float32 stands for it.
        scaled: NDArray[np.float32] = np.maximum(drawn * np.float32(self.scale), np.finfo(np.float32).tiny)
        return scaled
