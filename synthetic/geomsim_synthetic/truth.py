"""The truth about two simulated networks as plain data, for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

Geometry = Literal["shared", "independent"]


@dataclass(frozen=True)
class NetworkTruth:
    """The truth about one network, row by row of its dictionary.

    Attributes
    ----------
    width
        number of neurons.
    feature
        the ground-truth feature of each row.
    probability
        how likely it is to fire on a token.
    firings
        on how many tokens it did fire; a row with 0 cannot be found by any method.
    """

    width: int
    feature: tuple[int, ...]
    probability: tuple[float, ...]
    firings: tuple[int, ...]


@dataclass(frozen=True)
class Truth:
    """What is true about two simulated networks: the parameters, the correspondence and known population values.

    Attributes
    ----------
    seed, n_features, shared, mean_active, firing, noise, geometry, geometry_noise
        the parameters; ``firing`` is ``"given"`` where probabilities were given. All else follows from them.
    n_shared
        number of features that both networks carry.
    shared_features
        those features, ascending.
    pairs
        (left row, right row) for each shared feature, by left row; empty where nothing is shared.
    shared_cosine
        cosine of each shared feature's left and right direction once the true rotation is undone: 1 for an equal
        arrangement, less with ``geometry_noise``; None where no arrangement is shared.
    document_lengths
        tokens in each document.
    left, right
        the truth about each network.
    """

    seed: int
    n_features: int
    shared: float
    mean_active: float
    firing: str
    noise: float
    geometry: Geometry
    geometry_noise: float
    n_shared: int
    shared_features: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    shared_cosine: float | None
    document_lengths: tuple[int, ...]
    left: NetworkTruth
    right: NetworkTruth

    @property
    def n_tokens(self) -> int:
        """Number of tokens."""
        return sum(self.document_lengths)

    @property
    def n_documents(self) -> int:
        """Number of documents."""
        return len(self.document_lengths)

    @property
    def population(self) -> dict[str, float]:
        """Expected score of metrics on the truly paired directions, where it is known exactly; may be empty.

        Equal arrangements: every similarity that ignores rotation is 1. Independent arrangements: statistics whose
        mean over all row orders is 0 for any data are 0 in expectation. No closed form is claimed for anything else.
        """
        if self.n_shared and self.geometry == "independent":
            return {"debiased-cka": 0.0, "rsa": 0.0}
        if self.n_shared and self.geometry_noise == 0.0:
            return dict.fromkeys(("cka", "debiased-cka", "procrustes", "rsa(cosine)", "rsa(euclidean)", "svcca"), 1.0)
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers, strings and lists that JSON can hold, with the population values."""
        return {**asdict(self), "population": self.population}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The truth that :meth:`to_dict` wrote, before or after a trip through JSON."""
        values = {field.name: stored[field.name] for field in fields(cls)}
        for side in ("left", "right"):
            network = values[side]
            values[side] = NetworkTruth(
                network["width"], *map(tuple, (network["feature"], network["probability"], network["firings"]))
            )
        for name in ("shared_features", "document_lengths"):
            values[name] = tuple(values[name])
        values["pairs"] = tuple((left, right) for left, right in values["pairs"])
        return cls(**values)
