"""Everything that can be asked of two simulated networks, checked, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig
from geomsim_synthetic.checks import fraction, number, one_of, probability, refuse_unknown, whole
from geomsim_synthetic.correlated import CorrelatedGroup
from geomsim_synthetic.faults import Faults
from geomsim_synthetic.firing import firing_probabilities
from geomsim_synthetic.hierarchy import Hierarchy
from geomsim_synthetic.magnitudes import Law, Magnitudes
from geomsim_synthetic.plain import as_plain, keep_plain, require
from geomsim_synthetic.planted import Planted
from geomsim_synthetic.structure import Structure
from geomsim_synthetic.vocabulary import PUNCTUATION

Geometry = Literal["shared", "independent"]
_STRUCTURES: dict[str, type[Structure]] = {
    "correlated": CorrelatedGroup, "hierarchy": Hierarchy, "planted": Planted,
}  # fmt: skip
_TOKENS_PER_DOCUMENT = 100
SIDES = ("left", "right")
_NO_FAULTS = Faults()


@dataclass(frozen=True)
class Setting:
    """What two networks share, and how hard they are to compare. Everything drawn follows from it.

    Each network carries ``n_features`` features: the shared ones, which fire on the same tokens with the same strength
    in both, and as many of its own, with the same firing probabilities as the other's own. Features are numbered by
    rank: feature ``i`` has the i-th firing probability; the right network's own feature of rank ``i`` is number
    ``n_features + i``. A feature writes its direction into the activations whenever it fires.

    Parameters
    ----------
    n_features
        features in each network, at least 2.
    shared
        share of them that both carry, in [0, 1], rounded to whole features. They are chosen without regard to how
        often they fire; those of a smaller share are among those of a larger one.
    width
        neurons, at least 2; one number or (left, right). Below ``n_features`` the features are in superposition.
    n_tokens
        tokens of the stream; a longer stream begins with a shorter one.
    mean_active
        expected number of features that fire on a token, in each network; 8 unless ``firing`` holds the
        probabilities, which have a mean of their own. Structures, dense and junk features change it.
    firing
        profile of the firing probabilities, ``"zipf"``, ``"uniform"`` or ``"linear"``, none above 1/2; or one
        probability per feature, above 0 and below 1. See `firing.firing_probabilities`.
    noise
        standard deviation of Gaussian noise in every neuron, independent between networks; read out along any unit
        direction it has this deviation too, whatever the width.
    n_documents
        documents of nearly equal length; about one per 100 tokens unless given.
    seed
        everything random follows from it. Streams of random numbers do not depend on each other: the left codes, for
        one, are the same for every ``shared``, ``width`` and ``noise``, and one more structure changes no other.
    geometry
        ``"shared"``: the shared features lie alike in both networks, all inner products among them are equal. The
        arrangement is drawn in as many dimensions as the narrower network has, and carried into each network by
        a random isometry, so this is exact for unequal widths too. ``"independent"``: shared features fire alike, but
        each network draws its directions anew: what is known to be unrelated under the true pairing. (Planted groups
        keep their shape in either case.)
    geometry_noise
        turns each shared feature's right direction by arctan of this, towards a random side; features of a planted
        group together, so that it keeps its shape.
    magnitudes, magnitude_scale
        law and mean of the magnitudes, see `magnitudes.Magnitudes`.
    seen
        share of the firings of a shared feature that a network sees, which sets its firing rate there: one number for
        both or (left, right), each in (0, 1]. Each network misses firings by itself, at random. Features of a
        `Hierarchy` or a `Planted` group are always seen.
    structures
        `CorrelatedGroup`, `Hierarchy` and `Planted`, each takes as many features as it has members: of the shared
        ones, or of one network's own.
    dense, dense_probability
        distractors: features of each network's own that fire on most tokens, beyond ``n_features``.
    junk, junk_rate
        features of both networks that fire on one punctuation mark each, beyond ``n_features``; share of the tokens
        that are punctuation.
    layers, drift
        layers of each network, and how far features drift: from one layer to the next each direction turns by
        arctan(drift) in a plane of its own, shared features alike in both networks. Layer l against layer m: cosine
        ``cos((l - m) arctan(drift))``. A planted group turns as a whole, so it has its shape at every layer.
    outliers, outlier_mean, outlier_deviation
        neurons of each network that are far off on every token, and by how much: a normal variable with this mean and
        standard deviation is added.
    left_faults, right_faults
        what the dictionaries get wrong, see `Faults`.

    Raises
    ------
    InvalidConfig
        on any argument out of range: which, what was given and what is possible.

    >>> Setting(n_features=100, shared=0.5, structures=(Planted("circle", 12),)).n_shared
    50
    """

    n_features: int = 256
    shared: float = 0.5
    width: int | tuple[int, int] = 64
    n_tokens: int = 10_000
    mean_active: float | None = None
    firing: str | tuple[float, ...] = "zipf"
    noise: float = 0.0
    n_documents: int | None = None
    seed: int = 0
    geometry: Geometry = "shared"
    geometry_noise: float = 0.0
    magnitudes: Law = "uniform"
    magnitude_scale: float = 1.0
    seen: float | tuple[float, float] = 1.0
    structures: tuple[Structure, ...] = ()
    dense: int = 0
    dense_probability: float = 0.9
    junk: int = 0
    junk_rate: float = 0.1
    layers: int = 1
    drift: float = 0.0
    outliers: int = 0
    outlier_mean: float = 10.0
    outlier_deviation: float = 1.0
    left_faults: Faults = _NO_FAULTS
    right_faults: Faults = _NO_FAULTS

    def __post_init__(self) -> None:
        keep_plain(self)
        counts = {"n_features": 2, "n_tokens": 1, "seed": 0, "dense": 0, "junk": 0, "layers": 1, "outliers": 0}
        for name, least in counts.items():
            object.__setattr__(self, name, whole(name, getattr(self, name), least))
        for name in ("noise", "geometry_noise", "drift", "outlier_mean", "outlier_deviation"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        self._check_sharing()
        one_of("geometry", self.geometry, get_args(Geometry))
        if self.geometry == "independent" and self.geometry_noise:
            raise InvalidConfig(
                f"geometry_noise={self.geometry_noise:g} has no meaning with geometry='independent', "
                "where no arrangement is shared; leave it at 0"
            )
        _ = self.widths, self.probability, self.magnitude_law, self.document_lengths
        self._check_extras()

    @cached_property
    def n_shared(self) -> int:
        """Number of features that both networks carry."""
        return int(np.floor(self.shared * self.n_features + 0.5))

    @cached_property
    def widths(self) -> tuple[int, int]:
        """Neurons of the left and the right network."""
        width: Any = self.width
        if isinstance(width, int | np.integer):
            return whole("width", width, 2), whole("width", width, 2)
        if not isinstance(width, tuple) or len(width) != 2:
            raise InvalidConfig(f"width={width!r} must be one whole number or a pair (left, right)")
        return whole("width[0]", width[0], 2), whole("width[1]", width[1], 2)

    @cached_property
    def probability(self) -> NDArray[np.float64]:
        """Firing probability of each rank, before structures."""
        if not isinstance(self.firing, str) and self.mean_active is not None:
            raise InvalidConfig(
                f"mean_active={self.mean_active} was given beside firing probabilities, whose sum is the mean; "
                "leave it out"
            )
        mean_active = 8.0 if self.mean_active is None else self.mean_active
        probability = firing_probabilities(self.n_features, mean_active, self.firing)
        probability.flags.writeable = False
        return probability

    @cached_property
    def magnitude_law(self) -> Magnitudes:
        """Law and mean of the magnitudes."""
        return Magnitudes(self.magnitudes, self.magnitude_scale)

    @cached_property
    def seen_shares(self) -> tuple[float, float]:
        """Share of the firings of shared features that the left and the right network see."""
        seen: Any = self.seen
        pair = (seen, seen) if not isinstance(seen, tuple) else seen
        if len(pair) != 2:
            raise InvalidConfig(f"seen={seen!r} must be one share or a pair (left, right)")
        shares = tuple(fraction(f"seen[{place}]", share) for place, share in enumerate(pair))
        if min(shares) == 0.0:
            raise InvalidConfig(f"seen={seen!r}: a network that sees no firing does not share the features; use shared")
        return shares[0], shares[1]

    @cached_property
    def document_lengths(self) -> NDArray[np.int64]:
        """Tokens in each document."""
        n_documents = max(1, self.n_tokens // _TOKENS_PER_DOCUMENT) if self.n_documents is None else self.n_documents
        n_documents = whole("n_documents", n_documents, 1)
        if n_documents > self.n_tokens:
            raise InvalidConfig(
                f"n_documents={n_documents} is more than n_tokens={self.n_tokens}; a document has at least one token"
            )
        lengths = np.full(n_documents, self.n_tokens // n_documents, dtype=np.int64)
        lengths[: self.n_tokens % n_documents] += 1
        lengths.flags.writeable = False
        return lengths

    @property
    def faults(self) -> tuple[Faults, Faults]:
        """Faults of the left and the right dictionary."""
        return self.left_faults, self.right_faults

    def to_dict(self) -> dict[str, Any]:
        """All parameters as numbers, strings and lists that JSON can hold."""
        tags = {kind: tag for tag, kind in _STRUCTURES.items()}
        stored = {each.name: getattr(self, each.name) for each in fields(self)}
        stored["structures"] = [{"kind": tags[type(each)], **asdict(each)} for each in self.structures]
        for side in SIDES:
            stored[f"{side}_faults"] = asdict(stored[f"{side}_faults"])
        return stored

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The setting that :meth:`to_dict` wrote, before or after a trip through JSON."""
        require("setting", stored, ["structures", *(f"{side}_faults" for side in SIDES)])
        refuse_unknown_parameters(stored)
        values: dict[str, Any] = {name: as_plain(value) for name, value in stored.items()}
        values["structures"] = tuple(_structure(each) for each in stored["structures"])
        for side in SIDES:
            values[f"{side}_faults"] = Faults(**stored[f"{side}_faults"])
        return cls(**values)

    def _check_sharing(self) -> None:
        fraction("shared", self.shared)
        if self.shared and not self.n_shared:
            raise InvalidConfig(
                f"shared={self.shared!r} of {self.n_features} features is less than half a feature; "
                f"use 0 or at least {1 / self.n_features:.3g}"
            )
        _ = self.seen_shares

    def _check_extras(self) -> None:
        probability("dense_probability", self.dense_probability)
        probability("junk_rate", self.junk_rate)
        if self.dense > self.n_features:
            raise InvalidConfig(f"dense={self.dense} distractors are more than n_features={self.n_features} features")
        if self.junk > len(PUNCTUATION):
            raise InvalidConfig(f"junk={self.junk}: there are {len(PUNCTUATION)} punctuation marks to fire on")
        if self.outliers > min(self.widths):
            raise InvalidConfig(
                f"outliers={self.outliers} is more than the narrower network's {min(self.widths)} neurons"
            )
        if not isinstance(self.structures, tuple):
            raise InvalidConfig(f"structures={self.structures!r} must be a sequence of structures, also of one alone")
        for place, each in enumerate(self.structures):
            if not isinstance(each, Structure):
                raise InvalidConfig(
                    f"structures[{place}] is a {type(each).__name__}; CorrelatedGroup, Hierarchy and Planted are known"
                )
        for side, faults in zip(SIDES, self.faults, strict=True):
            if not isinstance(faults, Faults):
                raise InvalidConfig(f"{side}_faults={faults!r} must be Faults(...)")
        self._check_room()

    def _check_room(self) -> None:
        n_own = self.n_features - self.n_shared
        for place, called, room in (("both", "shared", self.n_shared), ("left", "own", n_own), ("right", "own", n_own)):
            taking = [each for each in self.structures if each.place == place]
            needed = sum(each.size for each in taking)
            if needed > room:
                planted = sum(each.size for each in taking if isinstance(each, Planted))
                where = "both networks" if place == "both" else f"the {place} network alone"
                raise InvalidConfig(
                    f"structures in {where} need {needed} features ({planted} for planted geometry), but there are "
                    f"{room} {called} ones (n_features={self.n_features}, shared={self.shared:g}); "
                    "plant less or raise n_features"
                )


def refuse_unknown_parameters(options: Iterable[str]) -> None:
    """Raise InvalidConfig on a name that is no parameter of a setting."""
    refuse_unknown(options, [each.name for each in fields(Setting)], "parameter of two networks")


def _structure(stored: Mapping[str, Any]) -> Structure:
    require("structure", stored, ["kind"])
    one_of("kind", stored["kind"], tuple(_STRUCTURES))
    values = {name: as_plain(value) for name, value in stored.items() if name != "kind"}
    return _STRUCTURES[stored["kind"]](**values)
