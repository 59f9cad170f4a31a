"""Two simulated networks that see one stream of features, share a known part of them, and each use their own basis.

1. Draw the features of the stream: when each fires, on which tokens, how strongly.
2. Arrange the shared features once, and carry that arrangement into each network by a random isometry; give each
   network random directions for what it carries alone.
3. Add up what fires (activations = magnitudes @ directions + noise), and let each network's dictionary write it down,
   in rows of shuffled order and with the faults that were asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidPairing, Pairing
from geomsim_synthetic.describe import truth_of
from geomsim_synthetic.network import SimulatedNetwork
from geomsim_synthetic.plan import plan
from geomsim_synthetic.setting import Geometry, Setting, refuse_unknown_parameters
from geomsim_synthetic.stream import batches, join
from geomsim_synthetic.text import SyntheticText, text_of
from geomsim_synthetic.tokenisation import LEFT, RIGHT, Tokenisation
from geomsim_synthetic.truth import Truth
from geomsim_synthetic.vocabulary import symbols


@dataclass(frozen=True, eq=False, repr=False)
class TwoModels:
    """Two simulated networks and the truth about them.

    Attributes
    ----------
    left, right
        the networks; token i of one is token i of the other.
    rotation
        (left width, right width): ``left_directions @ rotation`` are the right directions of the shared features
        (up to ``geometry_noise``). None where no arrangement is shared.
    groups
        (tokens,) the document of each token.
    symbols
        (tokens,) the word or punctuation mark of each token.
    setting
        all parameters.
    layer
        which of the layers this is.
    """

    left: SimulatedNetwork
    right: SimulatedNetwork
    rotation: NDArray[np.float64] | None
    groups: NDArray[np.int64]
    symbols: NDArray[np.int64]
    setting: Setting
    layer: int = 0

    @cached_property
    def truth(self) -> Truth:
        """Parameters, correspondence and population values as data; found when first asked for."""
        return truth_of(plan(self.setting), self.left, self.right, self.layer)

    @property
    def pairing(self) -> Pairing:
        """The true correspondence: the left and right row of every link, by left row; see `Truth.links`.

        Raises InvalidPairing where nothing is shared. (``truth.pairs`` is empty then. None would be read as
        "row i belongs to row i" by `geomsim.compare`.)
        """
        return true_pairing(self.truth)

    def at_layer(self, layer: int) -> TwoModels:
        """The same networks on the same tokens at another layer: codes are equal, directions have drifted."""
        return _collect(self.setting, layer)

    def text(self, left: Tokenisation = LEFT, right: Tokenisation = RIGHT) -> SyntheticText:
        """The stream as text: what was a token so far is a word, and each network cuts the words its own way."""
        tokenisations = {"left": left, "right": right}
        networks = {"left": self.left, "right": self.right}
        return text_of(symbols(self.setting.seed), self.symbols, self.groups, networks, tokenisations)

    def __repr__(self) -> str:
        setting = self.setting
        return (
            f"TwoModels({setting.n_features} features a side, {setting.n_shared} shared, widths {self.left.width} and "
            f"{self.right.width}, {setting.n_tokens} tokens in {len(setting.document_lengths)} documents)"
        )


def two_models(
    n_features: int = 256,
    shared: float = 0.5,
    width: int | tuple[int, int] = 64,
    n_tokens: int = 10_000,
    mean_active: float | None = None,
    firing: str | Sequence[float] | NDArray[Any] = "zipf",
    noise: float = 0.0,
    n_documents: int | None = None,
    seed: int = 0,
    *,
    geometry: Geometry = "shared",
    geometry_noise: float = 0.0,
    **options: Any,
) -> TwoModels:
    """Draw two networks that share a known part of their features.

    All parameters are those of `Setting`, where they are explained. Beyond the ones named here there are
    ``magnitudes``, ``seen``, ``structures`` (correlated groups, hierarchies, planted geometry), ``dense``, ``junk``,
    ``layers`` and ``drift``, ``outliers``, ``left_faults`` and ``right_faults``, and a few more.

    Returns
    -------
    TwoModels
        the networks, the true correspondence and all truth as data. The same arguments give the same bits on one
        installation of numpy and scipy. For more tokens than memory holds see `batches`.

    Raises
    ------
    InvalidConfig
        on any argument out of range: which, what was given and what is possible.

    Elhage et al. (2022), "Toy models of superposition"; Sharkey, Braun and Millidge (2022), "Taking features out of
    superposition with sparse autoencoders".

    >>> two = two_models(n_features=20, shared=0.5, width=(8, 6), n_tokens=300, mean_active=3, firing="uniform")
    >>> left, right = two.pairing.apply(two.left.space(), two.right.space())
    >>> np.allclose(left.points @ left.points.T, right.points @ right.points.T)
    True
    >>> bool((two.left.feature[two.pairing.left] == two.right.feature[two.pairing.right]).all())
    True
    """
    refuse_unknown_parameters(options)
    values: dict[str, Any] = {
        "n_features": n_features, "shared": shared, "width": width, "n_tokens": n_tokens, "mean_active": mean_active,
        "firing": firing, "noise": noise, "n_documents": n_documents, "seed": seed,
        "geometry": geometry, "geometry_noise": geometry_noise,
    }  # fmt: skip
    return from_setting(Setting(**values, **options))


def from_setting(setting: Setting, **changes: Any) -> TwoModels:
    """Draw the two networks of a setting, with some of its parameters changed.

    >>> from_setting(Setting(n_features=10, width=4, mean_active=2), n_tokens=50, seed=3)
    TwoModels(10 features a side, 5 shared, widths 4 and 4, 50 tokens in 1 documents)
    """
    refuse_unknown_parameters(changes)
    return _collect(replace(setting, **changes), 0)


def true_pairing(truth: Truth) -> Pairing:
    """The links of a truth as a pairing; InvalidPairing where nothing is shared."""
    if not truth.pairs:
        raise InvalidPairing(
            "these two networks share no feature (shared=0), so there is no true correspondence; "
            "for features that are shared but arranged independently use shared=1, geometry='independent'"
        )
    left, right = zip(*truth.pairs, strict=True)
    return Pairing(left, right, provenance={"method": "synthetic truth", "seed": truth.seed})


def _collect(setting: Setting, layer: int) -> TwoModels:
    whole = join(list(batches(setting, batch_length=setting.n_tokens, layer=layer)))
    planned = plan(setting)
    networks = []
    for side, shown in zip(planned.sides, (whole.left, whole.right), strict=True):
        assert shown.activations is not None
        networks.append(
            SimulatedNetwork(
                name=side.name,
                directions=side.row_directions(layer),
                codes=shown.codes,
                activations=shown.activations,
                feature=side.row_feature,
                groups=whole.groups,
                source_directions=side.source_directions(layer).copy(),
                source_feature=side.feature.copy(),
            )
        )
    rotation = None if planned.rotation is None else planned.rotation.copy()
    return TwoModels(networks[0], networks[1], rotation, whole.groups, whole.symbols, setting, layer)
