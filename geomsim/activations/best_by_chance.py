"""How high the best of many correlations is by chance: the null for the maximum, from circularly shifted documents.

The best of thousands of partners correlates well even where nothing corresponds. To see how well, the right side is
read against other text: in the place of each document stands another of like length, circularly shifted. Each latent
keeps its magnitudes, what follows what within a document, and documents as a whole; only which text it met is lost. The
largest r of each latent is then taken again, with the same thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.alignment import align
from geomsim.activations.candidates import Candidates
from geomsim.activations.coactivation import correlate
from geomsim.activations.coactivation_sums import Floats, Integers, Side
from geomsim.activations.codes import Codes
from geomsim.corrections import benjamini_hochberg
from geomsim.errors import InvalidCodes, InvalidPairing
from geomsim.progress import track

if TYPE_CHECKING:
    from geomsim.pairing import Pairing

Direction = Literal["left-to-right", "right-to-left"]

_DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
# Comparisons of an observed r with chance maxima that are held at once (1 byte each, 8 while they are gathered).
_COMPARISONS = 1 << 22
# Documents in a block of like length: fewer are more alike, more meet more of the others.
_DOCUMENTS_ALIKE = 10
# A rotation cuts a document at its ends and joins them where nothing was joined. In a long one that does not matter.
_ROTATED_FROM = 500
_FEWEST_TOKENS = 16


@dataclass(frozen=True, eq=False)
class ChancePartners:
    """The best r of every latent where nothing corresponds, once for each shift.

    Attributes
    ----------
    left_to_right, right_to_left
        (latents, shifts): largest r of a latent with any partner; -inf where no partner passes the thresholds.
    left_firings, right_firings
        tokens on which each latent is not zero, as read.
    left_tested, right_tested
        which latents fire often enough, and vary, to have a partner at all; only they are in any count below.
    n_tokens, neighbours, provenance
        tokens counted; size of the window of :meth:`p_values`; thresholds, seed, how many documents were exchanged
        (0: the whole text was rotated) and which share of the right tokens stood in for a longer document again.
    """

    left_to_right: Floats
    right_to_left: Floats
    left_firings: Integers
    right_firings: Integers
    left_tested: NDArray[np.bool_]
    right_tested: NDArray[np.bool_]
    n_tokens: int
    neighbours: int
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shifts(self) -> int:
        """How many shifts were made."""
        return int(self.left_to_right.shape[1])

    def least_p(self, direction: Direction = "left-to-right") -> float:
        """The smallest p-value that a latent of the choosing side can have, ``1 / (m + 1)``."""
        return 1 / (1 + self.shifts * min(self.neighbours, int(self._side(direction)[1].sum())))

    def maxima(self, direction: Direction = "left-to-right") -> Floats:
        """Chance maxima of the tested latents of the choosing side, (tested, shifts)."""
        _, tested, maxima = self._side(direction)
        return np.asarray(maxima[tested])

    def mean(self, direction: Direction = "left-to-right") -> float:
        """Mean best r by chance, over the tested latents and shifts with any partner that passes the thresholds.

        Compare it with the mean best r of the latents that have a partner in the candidates. Raises InvalidCodes
        where chance gives nobody a partner.
        """
        maxima = self.maxima(direction)
        if not np.isfinite(maxima).any():
            raise InvalidCodes(
                f"by chance no latent has any partner over {self.n_tokens} tokens (min_firings "
                f"{self.provenance.get('min_firings')}, min_cofirings {self.provenance.get('min_cofirings')}): "
                "there is no mean; every partner that is found is more than chance"
            )
        return float(maxima[np.isfinite(maxima)].mean())

    def threshold(self, alpha: float = 0.05, direction: Direction = "left-to-right") -> float:
        """The r above which at most a share `alpha` of the tested latents has a partner by chance.

        The j-th largest of the m chance maxima of all tested latents, with the largest j for which
        ``j / (m + 1) <= alpha``: one more maximum, as likely as any to hold each rank among all m + 1, exceeds it with
        probability ``j / (m + 1)`` (the p-value of :meth:`p_values` with one pool for all; Phipson and Smyth 2010).

        One threshold for all latents; rare ones exceed it more often than others (:meth:`p_values` allows for that).
        -inf where fewer than that have any partner by chance; inf where ``alpha`` is below ``1 / (m + 1)``, so that
        there are too few chance maxima to tell: make more shifts.
        """
        if not 0 < alpha < 1:
            raise InvalidCodes(f"alpha must be between 0 and 1, got {alpha}")
        ordered = np.sort(self.maxima(direction), axis=None)[::-1]
        may_exceed = np.count_nonzero(np.arange(1, len(ordered) + 1) / (len(ordered) + 1) <= alpha)
        return float(ordered[may_exceed - 1]) if may_exceed else np.inf

    def p_values(self, candidates: Candidates, direction: Direction = "left-to-right") -> Floats:
        """P-value of the best r of each latent of the choosing side, (latents,), in (0, 1].

        ``p = (b + 1) / (m + 1)``: of the m chance maxima of the `neighbours` tested latents that fire most like this
        one (itself among them), b are at least as large. The chance maximum depends on how often a latent fires, so
        all latents in one pool would make rare ones look significant. 1 where a latent has no partner. Over latents
        that correspond to nothing, a share p at most has a p-value of p or less.

        Raises InvalidCodes when the candidates are not of the same codes and thresholds.
        """
        self._refuse_others(candidates)
        firings, tested, maxima = self._side(direction)
        partners = getattr(candidates, direction.replace("-", "_"))
        p = np.ones(len(firings))
        order = np.flatnonzero(tested)[np.argsort(firings[tested], kind="stable")]
        window = min(self.neighbours, len(order))
        first = np.clip(np.arange(len(order)) - window // 2, 0, len(order) - window)
        observed = np.where(partners.found, partners.r[:, 0], -np.inf)[order]
        step = max(1, _COMPARISONS // max(1, window * self.shifts))
        for start in range(0, len(order), step):
            part = slice(start, start + step)
            pool = maxima[order[first[part, None] + np.arange(window)]].reshape(len(observed[part]), -1)
            at_least = np.count_nonzero(pool >= observed[part, None], axis=1)
            p[order[part]] = (at_least + 1) / (pool.shape[1] + 1)
        p[~partners.found] = 1.0
        return p

    def q_values(self, candidates: Candidates, direction: Direction = "left-to-right") -> Floats:
        """Benjamini-Hochberg q-values of :meth:`p_values` over the tested latents, (latents,); 1 for the others."""
        _, tested, _ = self._side(direction)
        q = np.ones(len(tested))
        q[tested] = benjamini_hochberg(self.p_values(candidates, direction)[tested], int(tested.sum()))
        return q

    def pair_p_values(self, pairing: Pairing, candidates: Candidates) -> Floats:
        """P-value of each pair that :func:`pair` made of these candidates, filtered or not, (pairs,).

        That of the choosing latent for ``max`` and ``one-to-one``; for ``mutual`` the larger of both, since both
        latents must have a partner.
        """
        method, direction = (str(pairing.provenance.get(name, "")) for name in ("method", "direction"))
        if direction not in _DIRECTIONS:
            raise InvalidPairing("the pairing's provenance does not say who chose; p-values are for what pair made")
        sides = {"left-to-right": (pairing.left, pairing.right), "right-to-left": (pairing.right, pairing.left)}
        p = []
        for way in _DIRECTIONS if method == "mutual" else (direction,):
            chooser, chosen = sides[way]
            partners = getattr(candidates, way.replace("-", "_"))
            inside = chooser < len(partners.partner)
            if not inside.all() or (partners.partner[chooser, 0] != chosen).any():
                raise InvalidPairing("the pairing was not made of these candidates: it has other pairs than the best")
            p.append(self.p_values(candidates, way)[chooser])
        return np.asarray(np.max(p, axis=0))

    def pair_q_values(self, pairing: Pairing, candidates: Candidates) -> Floats:
        """Benjamini-Hochberg q-values of :meth:`pair_p_values`, (pairs,).

        The tests are the tested latents of the choosing side (``mutual``: of the side that has fewer), paired or not:
        a latent without a pair is a test with p = 1.
        """
        p = self.pair_p_values(pairing, candidates)
        tests = {"left-to-right": int(self.left_tested.sum()), "right-to-left": int(self.right_tested.sum())}
        mutual = pairing.provenance.get("method") == "mutual"
        n_tests = min(tests.values()) if mutual else tests[str(pairing.provenance.get("direction"))]
        return benjamini_hochberg(p, n_tests)

    def __repr__(self) -> str:
        sides = f"{int(self.left_tested.sum())} left and {int(self.right_tested.sum())} right latents"
        return f"ChancePartners({self.shifts} shifts of {self.n_tokens} tokens, {sides})"

    def _side(self, direction: str) -> tuple[Integers, NDArray[np.bool_], Floats]:
        if direction == "left-to-right":
            return self.left_firings, self.left_tested, self.left_to_right
        if direction == "right-to-left":
            return self.right_firings, self.right_tested, self.right_to_left
        raise InvalidCodes(f"unknown direction {direction!r}; it is {' or '.join(_DIRECTIONS)}")

    def _refuse_others(self, candidates: Candidates) -> None:
        for what, own, theirs in (
            ("tokens", self.n_tokens, candidates.n_tokens),
            ("min_firings", self.provenance.get("min_firings"), candidates.provenance.get("min_firings")),
            ("measure", self.provenance.get("measure", "pearson"), candidates.provenance.get("measure", "pearson")),
            ("min_cofirings", self.provenance.get("min_cofirings"), candidates.provenance.get("min_cofirings")),
        ):
            if own != theirs:
                raise InvalidCodes(
                    f"chance partners and candidates do not belong together: {what} {own} and {theirs}; "
                    "make both from the same codes with the same thresholds"
                )
        for side in ("left", "right"):
            if not np.array_equal(getattr(self, f"{side}_firings"), getattr(candidates, f"{side}_firings")):
                raise InvalidCodes(
                    f"chance partners and candidates do not belong together: the {side} latents fire on other "
                    "numbers of tokens; make both from the same codes"
                )


def chance_partners(
    left_codes: Codes,
    right_codes: Codes,
    shifts: int = 5,
    seed: int = 0,
    *,
    min_firings: int = 100,
    min_cofirings: int = 20,
    neighbours: int = 100,
    memory: int | None = None,
    device: Any = None,
) -> ChancePartners:
    """The best r of each latent by chance: correlations with the right side's documents circularly shifted.

    Parameters
    ----------
    left_codes, right_codes
        codes over the same text; tokens that only one of them has are left out.
    shifts
        how often the right side is shifted. Documents are sorted by length and cut into blocks of ten or more; within
        its block each stands in for another one, by a random cycle, is rotated by a random number of tokens if it has
        500 or more, and cut or repeated to the other's length. Where no documents are known, or one, the whole text is
        rotated, by between a quarter and three quarters of it.
    seed
        where the random numbers start.
    min_firings, min_cofirings, memory, device
        as in :func:`correlate`.
    neighbours
        latents of like firings whose chance maxima a latent is compared with; 1 for its own alone, which needs
        hundreds of shifts.

    Raises
    ------
    InvalidCodes
        when the codes are of different texts or too short for as many shifts, an option is out of range, or no latent
        fires often enough.

    Notes
    -----
    A simple rotation of the whole text lets one document overlap with halves of two others, so that for latents that
    are on for whole documents, or prefer some, chance comes out too small: where the lengths of 100 documents spread by
    a factor of two, 58% of unrelated latents had p <= .05. A rotation within the documents alone would keep what
    latents share by preferring the same documents, and an exchange alone keeps what they share by position; both are
    correspondence and not chance. Short documents are only exchanged all the same: rotated, with runs of 15 tokens in
    documents of 40, 13% of unrelated latents had p <= .05.

    >>> random = np.random.default_rng(0)
    >>> left, right = (Codes.from_dense(random.random((400, 30)) < 0.2) for _ in range(2))
    >>> chance = chance_partners(left, right, min_firings=1, min_cofirings=1)
    >>> bool(0.05 < chance.mean() < chance.threshold(0.05) < 0.2)
    True
    """
    for name, value in (("shifts", shifts), ("neighbours", neighbours)):
        if value < 1:
            raise InvalidCodes(f"{name} must be at least 1, got {value}")
    left, right, _ = align(left_codes, right_codes)
    tested = [_tested(codes, min_firings) for codes in (left, right)]
    for side, mask in zip(("left", "right"), tested, strict=True):
        if not mask.any():
            raise InvalidCodes(
                f"no {side} latent varies and fires on {min_firings} of {left.n_tokens} tokens, so there is nothing to "
                "shift; read more text, or lower min_firings"
            )
    groups = left.groups if left.groups is not None else right.groups
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(1,))))
    # Without token tables and groups: rows of text that is no longer the same must not be aligned again.
    fixed = Codes(left.matrix[:, tested[0]])
    moving = right.matrix[:, tested[1]]
    maxima = [np.full((len(mask), shifts), -np.inf) for mask in tested]
    documents, repeated = 0, 0
    with track(shifts, "chance partners") as advance:
        for shift in range(shifts):
            rows, documents = other_text(groups, left.n_tokens, random)
            repeated += left.n_tokens - len(np.unique(rows))
            # Who is tested was decided on the text as read.
            found = correlate(
                fixed, Codes(moving[rows]), 1, 0, min_cofirings, standard_errors=False, memory=memory, device=device
            )
            for kept, mask, partners in zip(maxima, tested, (found.left_to_right, found.right_to_left), strict=True):
                kept[mask, shift] = np.where(partners.found, partners.r[:, 0], -np.inf)
            advance(1)
    return ChancePartners(
        left_to_right=maxima[0],
        right_to_left=maxima[1],
        left_firings=left.firings(),
        right_firings=right.firings(),
        left_tested=tested[0],
        right_tested=tested[1],
        n_tokens=left.n_tokens,
        neighbours=neighbours,
        provenance={
            "seed": seed,
            "min_firings": min_firings,
            "min_cofirings": min_cofirings,
            "documents": documents,
            "share_repeated": repeated / (shifts * left.n_tokens),
        },
    )


def _tested(codes: Codes, min_firings: int) -> NDArray[np.bool_]:
    side = Side(codes, np.zeros(codes.n_tokens, dtype=np.int64))
    return ~side.constant & (side.firings >= min_firings)


def other_text(groups: Integers | None, n_tokens: int, random: np.random.Generator) -> tuple[Integers, int]:
    """For each token the row that stands in for it, and how many documents were exchanged."""
    if groups is not None:
        _, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        if len(sizes) > 1:
            source = np.empty(len(sizes), dtype=np.int64)
            for block in np.array_split(np.argsort(sizes, kind="stable"), max(1, len(sizes) // _DOCUMENTS_ALIKE)):
                cycle = random.permutation(block)
                source[cycle] = np.roll(cycle, 1)
            offset = random.integers(0, sizes[source])
            offset[sizes[source] < _ROTATED_FROM] = 0
            order = np.argsort(number, kind="stable")
            starts = np.cumsum(sizes) - sizes
            document = number[order]
            place = offset[document] + np.arange(n_tokens) - starts[document]
            rows = np.empty(n_tokens, dtype=np.int64)
            rows[order] = order[starts[source[document]] + place % sizes[source[document]]]
            return rows, len(sizes)
    if n_tokens < _FEWEST_TOKENS:
        raise InvalidCodes(f"{n_tokens} tokens are too few to be shifted, at least {_FEWEST_TOKENS}; read more text")
    by = int(random.integers(n_tokens // 4, n_tokens - n_tokens // 4 + 1))
    return np.roll(np.arange(n_tokens), by), 0
