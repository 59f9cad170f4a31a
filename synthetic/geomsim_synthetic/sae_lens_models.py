"""Simulated networks made by sae-lens (``sae_lens.synthetic.SyntheticModel``) as one or both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig, Pairing
from geomsim_synthetic.arrangement import random_directions, random_isometry
from geomsim_synthetic.checks import fraction, number, whole
from geomsim_synthetic.correspondence import Link
from geomsim_synthetic.generator import true_pairing
from geomsim_synthetic.network import SimulatedNetwork
from geomsim_synthetic.randomness import Draw, generator
from geomsim_synthetic.setting import SIDES
from geomsim_synthetic.torch_randomness import seeded_torch
from geomsim_synthetic.truth import NetworkTruth, Truth

_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class SaeLensModels:
    """Two networks of which one or both are sae-lens's, and the truth about them; see `TwoModels`.

    Attributes
    ----------
    left, right
        the networks; token i of one is token i of the other.
    truth
        correspondence and probabilities as data. Population values are not known here.
    """

    left: SimulatedNetwork
    right: SimulatedNetwork
    truth: Truth

    @property
    def pairing(self) -> Pairing:
        """The true correspondence: the left and right row of every shared feature, by left row."""
        return true_pairing(self.truth)


def models_from_sae_lens(
    left: Any,
    right: Any = None,
    *,
    shared: float = 0.5,
    n_tokens: int = 10_000,
    width: int | None = None,
    noise: float = 0.0,
    n_documents: int = 1,
    seed: int = 0,
) -> SaeLensModels:
    """Two networks from one or two ``SyntheticModel`` objects of sae-lens.

    The left model draws what fires. A share of its features is seen by the right network on the same tokens with the
    same strength; the right network's other features are drawn apart, from the right model or, where there is none,
    from the left one a second time. Correlations, hierarchies and magnitudes are those that the models have (a
    hierarchy across the border between shared and own features is cut).

    Parameters
    ----------
    left, right
        ``SyntheticModel`` objects with equally many features. Without a right one, the right network has the left
        one's arrangement of the shared features, carried over by a random isometry, and random directions else.
    shared
        share of the features that both carry, rounded to whole features.
    n_tokens, noise, seed
        as in `Setting`. Torch's global generator, from which the models draw, is seeded meanwhile and put back.
    width
        of the right network where no model is given; the left model's if None, and no smaller.
    n_documents
        documents of equal length.

    Raises
    ------
    InvalidConfig
        where an object is no SyntheticModel, the models differ in their number of features, or a number is out of
        range.
    """
    n = _checked("left", left)
    if right is not None and _checked("right", right) != n:
        raise InvalidConfig(
            f"the left model has {n} features and the right one {_checked('right', right)}; the same number is needed"
        )
    if right is not None and width is not None:
        raise InvalidConfig(f"width={width} was given beside a right model, which has its own; leave it out")
    whole("n_tokens", n_tokens, 1)
    whole("seed", seed, 0)
    if whole("n_documents", n_documents, 1) > n_tokens:
        raise InvalidConfig(f"n_documents={n_documents} is more than n_tokens={n_tokens}")
    number("noise", noise)
    n_shared = int(np.floor(fraction("shared", shared) * n + 0.5))
    is_shared = np.zeros(n, dtype=bool)
    is_shared[generator(seed, Draw.SHARING).permutation(n)[:n_shared]] = True
    groups = np.arange(n_tokens) * n_documents // n_tokens

    models = [left, left if right is None else right]
    codes = [_draw(model, n_tokens, seed, side) for side, model in enumerate(models)]
    codes[1] = _with_columns(codes[1], codes[0], is_shared)
    directions, biases = [_directions(left)], [_bias(left)]
    if right is None:
        directions.append(_carried(directions[0], is_shared, width, seed))
        biases.append(np.zeros(directions[1].shape[1]))
    else:
        directions.append(_directions(right))
        biases.append(_bias(right))
    features = [np.arange(n), np.where(is_shared, np.arange(n), n + np.arange(n))]
    networks = [
        _network(side, codes[side], directions[side], features[side], groups, noise, seed, biases[side])
        for side in (0, 1)
    ]
    probabilities = [_probabilities(model) for model in models]
    probabilities[1] = np.where(is_shared, probabilities[0], probabilities[1])
    cosine = 1.0 if right is None and n_shared else None
    return SaeLensModels(networks[0], networks[1], _truth(networks, is_shared, probabilities, seed, cosine))


def _checked(side: str, model: Any) -> int:
    for part in ("activation_generator", "feature_dict"):
        if not hasattr(model, part):
            raise InvalidConfig(
                f"{side} is a {type(model).__name__} without {part}; a sae_lens.synthetic.SyntheticModel is needed"
            )
    return int(model.feature_dict.feature_vectors.shape[0])


def _directions(model: Any) -> NDArray[np.float64]:
    return np.asarray(model.feature_dict.feature_vectors.detach().cpu().numpy(), dtype=np.float64)


def _bias(model: Any) -> NDArray[np.float64]:
    return np.asarray(model.feature_dict.bias.detach().cpu().numpy(), dtype=np.float64)


def _probabilities(model: Any) -> NDArray[np.float64]:
    """As the model states them, before its hierarchy silences anything."""
    return np.asarray(model.activation_generator.firing_probabilities.cpu().numpy(), dtype=np.float64)


def _with_columns(codes: Any, others: Any, taken: NDArray[np.bool_]) -> Any:
    """Codes whose `taken` columns are those of others."""
    from scipy.sparse import diags_array

    return (codes @ diags_array((~taken).astype(np.float32)) + others @ diags_array(taken.astype(np.float32))).tocsc()


def _draw(model: Any, n_tokens: int, seed: int, side: int) -> Any:
    """What fires, sparse (tokens, features) by column, drawn in blocks."""
    from scipy.sparse import csc_array, vstack

    parts = []
    device = model.feature_dict.feature_vectors.device
    with seeded_torch(int(generator(seed, Draw.FIRING, side).integers(2**62)), device):
        for _ in range(0, n_tokens, _BLOCK):
            drawn = model.activation_generator.sample(_BLOCK)
            dense = (drawn.to_dense() if drawn.is_sparse else drawn).detach().cpu().float().numpy()
            parts.append(csc_array(dense))
    return vstack(parts, format="csr")[:n_tokens].tocsc()


def _carried(
    directions: NDArray[np.float64], is_shared: NDArray[np.bool_], width: int | None, seed: int
) -> NDArray[np.float64]:
    """The right directions where there is no right model: the shared ones turned as a whole, the others random."""
    n, left_width = directions.shape
    width = left_width if width is None else whole("width", width, 2)
    if width < left_width:
        raise InvalidConfig(
            f"width={width} is below the left model's {left_width}; its arrangement fits into no fewer dimensions"
        )
    carried = random_directions(generator(seed, Draw.OWN_DIRECTIONS, 1), n, width)
    isometry = random_isometry(generator(seed, Draw.ISOMETRY, 1), left_width, width)
    carried[is_shared] = directions[is_shared] @ isometry
    return carried


def _network(
    side: int,
    codes: Any,
    directions: NDArray[np.float64],
    feature: NDArray[np.int64],
    groups: NDArray[np.int64],
    noise: float,
    seed: int,
    bias: NDArray[np.float64],
) -> SimulatedNetwork:
    order = generator(seed, Draw.ROW_ORDER, side).permutation(len(directions))
    shuffled = codes[:, order].tocsr()
    shuffled.eliminate_zeros()
    activations = np.asarray(shuffled @ directions[order] + bias, dtype=np.float32)
    if noise:
        random = generator(seed, Draw.NOISE, side)
        activations += np.float32(noise) * random.standard_normal(activations.shape, dtype=np.float32)
    return SimulatedNetwork(
        name=SIDES[side],
        directions=directions[order],
        codes=shuffled,
        activations=activations,
        feature=feature[order],
        groups=groups,
        source_directions=directions,
        source_feature=feature,
    )


def _truth(
    networks: list[SimulatedNetwork],
    is_shared: NDArray[np.bool_],
    probabilities: list[NDArray[np.float64]],
    seed: int,
    shared_cosine: float | None,
) -> Truth:
    left, right = networks
    right_row = {number: row for row, number in enumerate(right.feature.tolist())}
    links = tuple(
        Link(row, right_row[number], number, "one-to-one")
        for row, number in enumerate(left.feature.tolist())
        if number in right_row
    )
    linked = {link.left for link in links}, {link.right for link in links}
    n = len(is_shared)
    sides = [
        NetworkTruth(
            width=network.width,
            feature=tuple(network.feature.tolist()),
            features=tuple((number,) for number in network.feature.tolist()),
            kind=("plain",) * n,
            probability=tuple(chances[network.feature % n].tolist()),
            firings=tuple(np.bincount(network.codes.indices, minlength=n).tolist()),
            absent=tuple(row for row in range(n) if row not in rows),
        )
        for network, chances, rows in zip(networks, probabilities, linked, strict=True)
    ]
    return Truth(
        source="sae-lens",
        seed=seed,
        n_features=n,
        n_shared=int(is_shared.sum()),
        setting=None,
        shared_features=tuple(np.flatnonzero(is_shared).tolist()),
        links=links,
        shared_cosine=shared_cosine,
        document_lengths=tuple(np.bincount(left.groups).tolist()),
        left=sides[0],
        right=sides[1],
    )
