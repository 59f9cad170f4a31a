"""Planted decoys: how many of the pairs are false, estimated from latents that are known to have no partner.

A decoy is a copy of a latent read against other text (the documents exchanged and circularly shifted, as for
:mod:`best_by_chance`): it fires about as often, as strongly and in as long runs, and corresponds to nothing. Decoys
stand among the latents of the chosen side while pairs are made. A latent without a true partner does not know them from
false partners, so that the pairs with decoys tell how many of the other pairs are false.

A decoy fires exactly as often where all documents are of one length. Else the document that stands in for another one
is cut or repeated to its length, and a latent that prefers the documents that are cut loses firings. All decoys
together then keep theirs within some percent. How far one is off depends on how unlike in length the documents are
that are exchanged, neighbours by length in blocks of ten or more: of latents that fire in some five of 100 documents,
lengths within a factor of ten, nine in ten decoys have .8 to 1.25 times the firings of their latent, and runs as long
within a tenth. With a dozen documents, or one far longer than all others, a decoy may have any number of firings, none
too, and falls below ``min_firings`` where its latent does not: read more documents, or cut long ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.activations.best_by_chance import other_text
from geomsim.activations.codes import Codes
from geomsim.errors import InvalidCodes, InvalidPairing

if TYPE_CHECKING:
    import pandas as pd

_SHOWN_AT = tuple(tenth / 10 for tenth in range(10))


def plant_decoys(codes: Codes, share: float = 1.0, seed: int = 0) -> Codes:
    """The codes with decoys behind their latents: ``round(share * n_latents)`` columns more.

    A share below 1 takes random latents, one above 1 some of them several times, each against another order of the
    text. Tokens and groups stay; the token table is left out, since half of the columns are of another text.

    Raises
    ------
    InvalidCodes
        where the share makes no decoy, or the text is too short to be shifted.

    >>> codes = Codes.from_dense(np.eye(40, 3), groups=np.arange(40) // 10)
    >>> plant_decoys(codes).n_latents, plant_decoys(codes, share=0.4).n_latents
    (6, 4)
    """
    n_decoys = round(share * codes.n_latents)
    if n_decoys < 1:
        raise InvalidCodes(f"a share of {share} decoys of {codes.n_latents} latents is none; raise it")
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(2,))))
    parts: list[Any] = [codes.matrix]
    while n_decoys:
        chosen = np.sort(random.permutation(codes.n_latents)[:n_decoys])
        rows, _ = other_text(codes.groups, codes.n_tokens, random)
        parts.append(codes.matrix[:, chosen][rows])
        n_decoys -= len(chosen)
    provenance = {**codes.provenance, "text_hash": codes.text_hash}
    return Codes(_beside(parts, codes.is_sparse), groups=codes.groups, name=codes.name, provenance=provenance)


@dataclass(frozen=True, eq=False)
class FalseMatches:
    r"""An estimate of how many pairs are false, from the pairs with decoys.

    .. math:: \widehat{F}(t) = \rho\,D(t), \qquad \text{rate}(t) = \widehat{F}(t) / T(t)

    with D(t) pairs with a decoy and T(t) pairs of real latents of r at least t, and :math:`\rho` the latents of the
    chosen side that may be taken by mistake, for each decoy. False means: by chance. Two latents that are related but
    not the same are no chance, and no decoy tells of them.

    Parameters
    ----------
    real, decoy
        r of the pairs of real latents, and of the pairs with a decoy.
    n_real, n_decoys
        latents of the chosen side, and decoys, that pass the thresholds to have a partner at all.
    exclusive
        whether a latent that has its true partner is out of reach for others. Then only those without may be taken by
        mistake, and of them the same share is left alone as of the decoys:
        :math:`\rho = (N - T) / (N_d - D)` with all N real latents, :math:`N_d` decoys, T and D of the lowest t. Else
        :math:`\rho = N / N_d`.

    Notes
    -----
    The target-decoy estimate of mass spectrometry (Elias and Gygi 2007, Nature Methods 4), with the latents within
    reach in place of all. Its standard error, around the pairs that are in fact false, counts what chance makes of the
    decoys' share in them: :math:`\sqrt{\rho (1 + \rho) D(t)} / T(t)`, for exclusive methods times
    :math:`\sqrt{1 + D(t) / (N_d - D)}`, since :math:`\rho` then rests on the decoys too; of no decoy, that of one.
    With :math:`D + 1` in place of D (`bound`), the expected rate of the pairs above a threshold that is chosen by it is
    no larger than what was asked for, the ratio being known (He et al. 2015, arXiv 1501.00537; Levitsky et al. 2017,
    Journal of Proteome Research 16). For exclusive methods it is estimated, and `bound` takes
    :math:`\rho^+ = (N - T + 1) / (N_d - D)`, infinite where no decoy is left alone. For of V + D latents that are taken
    by mistake, V are real with the hypergeometric law of R real latents and :math:`N_d` decoys within reach, so that
    with R - V = N - T

    .. math:: \mathrm{E}\,\frac{V}{\rho^+ (D + 1)}
        = \mathrm{E}\,\frac{V\,(N_d - D)}{(R - V + 1)(D + 1)} = \mathrm{P}(V < \min(R, V + D)) \le 1

    since each term of the sum over V is the probability of V - 1. And :math:`V(t) / (D(t) + 1)` is a supermartingale
    as t rises from the lowest r (Barber and Candes 2015, Annals of Statistics 43), whose start is this one.

    Without bias for ``max``, ``mutual``, ``greedy`` and ``hungarian``; rather too large for ``one-to-one``, where a
    true partner that is chosen by mistake too counts as within reach, and for ``transport``, which seldom gives
    those that have a true partner another one.

    >>> found = FalseMatches([0.9, 0.8, 0.7, 0.2], [0.3, 0.1], n_real=10, n_decoys=10, exclusive=False)
    >>> found.rate(), found.rate(0.25), found.rate(0.5), found.bound(0.5)
    (0.5, 0.3333333333333333, 0.0, 0.3333333333333333)
    >>> found.threshold(0.34)
    0.7
    """

    real: NDArray[np.float64]
    decoy: NDArray[np.float64]
    n_real: int
    n_decoys: int
    exclusive: bool

    def __init__(self, real: ArrayLike, decoy: ArrayLike, n_real: int, n_decoys: int, exclusive: bool) -> None:
        if n_decoys < 1:
            raise InvalidPairing(
                "no decoy fires often enough to have a partner, so false matches cannot be estimated; "
                "plant more (decoys=2), read more text, or lower min_firings"
            )
        object.__setattr__(self, "real", np.sort(np.asarray(real, dtype=np.float64)))
        object.__setattr__(self, "decoy", np.sort(np.asarray(decoy, dtype=np.float64)))
        object.__setattr__(self, "n_real", n_real)
        object.__setattr__(self, "n_decoys", n_decoys)
        object.__setattr__(self, "exclusive", exclusive)

    @property
    def largest_ratio(self) -> float:
        """The ratio that :meth:`bound` rests on, for exclusive methods with one real latent more within reach."""
        if not self.exclusive:
            return self.n_real / self.n_decoys
        lone_decoys = self.n_decoys - len(self.decoy)
        return (self.n_real - len(self.real) + 1) / lone_decoys if lone_decoys > 0 else np.inf

    @property
    def ratio(self) -> float:
        """How many real latents may be taken by mistake, for each decoy."""
        within_reach: float = self.n_real
        lone_decoys = self.n_decoys - len(self.decoy)
        if self.exclusive and lone_decoys > 0:
            within_reach = min(self.n_real, (self.n_real - len(self.real)) * self.n_decoys / lone_decoys)
        return within_reach / self.n_decoys

    def pairs(self, min_weight: float = -np.inf) -> int:
        """Pairs of real latents with at least this r."""
        return len(self.real) - int(np.searchsorted(self.real, min_weight))

    def decoys(self, min_weight: float = -np.inf) -> int:
        """Pairs with a decoy with at least this r."""
        return len(self.decoy) - int(np.searchsorted(self.decoy, min_weight))

    def rate(self, min_weight: float = -np.inf) -> float:
        """Estimated share of false pairs among those of real latents, in [0, 1]; 0 where there are no pairs."""
        return self._share(self.ratio * self.decoys(min_weight), min_weight)

    def standard_error(self, min_weight: float = -np.inf) -> float:
        """Standard error of :meth:`rate` around the share of pairs that are in fact false."""
        decoys = max(self.decoys(min_weight), 1)
        noise = self.ratio * (1 + self.ratio) * decoys
        if self.exclusive:
            # The ratio is estimated from the same decoys.
            noise *= 1 + decoys / max(self.n_decoys - len(self.decoy), 1)
        return float(np.sqrt(noise) / max(self.pairs(min_weight), 1))

    def bound(self, min_weight: float = -np.inf) -> float:
        """The estimate with one decoy more, and :attr:`largest_ratio`, for choosing a threshold."""
        return self._share(self.largest_ratio * (self.decoys(min_weight) + 1), min_weight)

    def threshold(self, rate: float) -> float:
        """The smallest r for which :meth:`bound` is at most `rate`, among those of the pairs; inf where there is none.

        The standard answer to "which `min_weight` leaves at most 5% false pairs?".
        """
        if not 0 < rate < 1:
            raise InvalidPairing(f"a rate of false matches is between 0 and 1, got {rate}")
        decoys = 1 + len(self.decoy) - np.searchsorted(self.decoy, self.real)
        # Pairs of equal r stay together: as many as reach the first of them.
        pairs = len(self.real) - np.searchsorted(self.real, self.real)
        good = self.largest_ratio * decoys <= rate * pairs
        return float(self.real[np.argmax(good)]) if good.any() else np.inf

    def to_frame(self) -> pd.DataFrame:
        """Columns min_weight, pairs, decoys, rate, standard_error, bound at r from 0 to 0.9, and of all pairs."""
        import pandas as pd

        return pd.DataFrame([self._at(None), *map(self._at, _SHOWN_AT)])

    def said(self) -> dict[str, Any]:
        """What the provenance of a pairing says."""
        return {
            "real_latents": self.n_real,
            "decoys": self.n_decoys,
            "ratio": self.ratio,
            "pairs": len(self.real),
            "decoy_pairs": len(self.decoy),
            "rate": self.rate(),
            "standard_error": self.standard_error(),
            "bound": self.bound(),
            "by_min_weight": [self._at(r) for r in _SHOWN_AT],
        }

    def _at(self, r: float | None) -> dict[str, Any]:
        least = -np.inf if r is None else r
        return {
            "min_weight": r,
            "pairs": self.pairs(least),
            "decoys": self.decoys(least),
            "rate": self.rate(least),
            "standard_error": self.standard_error(least),
            "bound": self.bound(least),
        }

    def _share(self, false_pairs: float, min_weight: float) -> float:
        pairs = self.pairs(min_weight)
        return min(1.0, false_pairs / pairs) if pairs else 0.0


def _beside(parts: list[Any], sparse: bool) -> Any:
    if not sparse:
        return np.concatenate(parts, axis=1)
    import scipy.sparse

    return scipy.sparse.hstack(parts, format="csr")
