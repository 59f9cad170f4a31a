"""Named settings: one that every method should solve, and harder ones that tell methods apart."""

from __future__ import annotations

from geomsim import InvalidConfig
from geomsim_synthetic.correlated import CorrelatedGroup
from geomsim_synthetic.faults import Faults
from geomsim_synthetic.hierarchy import Hierarchy
from geomsim_synthetic.planted import Planted
from geomsim_synthetic.setting import Setting

#: Half of the features shared, three on a token, little noise: dictionaries of 256 latents find nearly all of them.
EASY = Setting(
    n_features=160, shared=0.5, width=64, n_tokens=40_000, mean_active=3.0, firing="uniform", noise=0.02
)  # fmt: skip

#: Rare and frequent features, missed firings, punctuation, dense distractors, outlier neurons, noise.
BUSY = Setting(
    n_features=256, shared=0.5, width=(64, 96), n_tokens=40_000, noise=0.1, seen=(0.9, 0.7),
    dense=4, junk=8, outliers=1,
)  # fmt: skip

#: Splits, twins and groups that fire together: `max`, `mutual` and `hungarian` part ways in precision and recall, and
#: with so many features the ranges of 20 seeds do not touch.
TANGLED = Setting(
    n_features=1200, shared=0.75, width=64, n_tokens=10_000, firing="uniform", mean_active=24.0, seen=0.6,
    structures=tuple(CorrelatedGroup(8, 0.9999, probability=0.03) for _ in range(60)),
    left_faults=Faults(split=90, merged=6, duplicated=12, dead=24),
    right_faults=Faults(split=12, merged=18, duplicated=48, dead=24),
)  # fmt: skip

#: Trees of features whose parents are absorbed on the left.
ABSORBING = Setting(
    n_features=128, shared=0.75, width=64, n_tokens=40_000, mean_active=4.0, firing="uniform",
    structures=tuple(Hierarchy((None, 0, 0, 0, 1), given=0.3, probability=0.15) for _ in range(6)),
    left_faults=Faults(absorbed=6),
)  # fmt: skip

#: A circle on the left; on the right the same features with the same mean and covariance, and no circle.
LOOP = Setting(
    n_features=64, shared=0.75, width=32, n_tokens=20_000, mean_active=3.0, firing="uniform",
    structures=(Planted("circle", 48, arranged="left", probability=0.3),),
)  # fmt: skip

#: Shapes of every kind in both networks.
SHAPES = Setting(
    n_features=200, shared=0.8, width=48, n_tokens=20_000, mean_active=3.0, firing="uniform",
    structures=(
        Planted("circle", 16), Planted("torus", (8, 8)), Planted("simplex", 8), Planted("tree", (2, 3)),
        Planted("grid", (6, 5)),
    ),
)  # fmt: skip

PRESETS = {
    "easy": EASY, "busy": BUSY, "tangled": TANGLED, "absorbing": ABSORBING, "loop": LOOP, "shapes": SHAPES,
}  # fmt: skip


def preset(name: str) -> Setting:
    """A setting by its name; InvalidConfig on an unknown one.

    >>> preset("easy").n_shared
    80
    """
    if name not in PRESETS:
        raise InvalidConfig(f"there is no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]
