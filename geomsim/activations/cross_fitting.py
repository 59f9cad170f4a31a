"""Cross-fitting: pairs are chosen on some documents, and how strongly they correlate is measured on the others.

A pair that was chosen because its correlation is high has a correlation that is too high: of thousands of partners the
luckiest wins. On documents that had no part in the choice the luck is gone, and the expected weight of a pair that does
not correspond is 0. The documents are split once; the half that measures is not used to choose, so that the halves of
a score stay independent too (:func:`held_out` gives the codes of that half).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.alignment import align
from geomsim.activations.coactivation_sparse import pair_products
from geomsim.activations.coactivation_sums import BYTES_PER_ENTRY, Floats, Integers, Side, correlation, slices
from geomsim.activations.codes import Codes
from geomsim.activations.jackknife import blocks_of_tokens, standard_errors
from geomsim.errors import InvalidCodes, InvalidPairing
from geomsim.memory import batch_budget
from geomsim.pairing import Pairing

HELD_OUT_DOCUMENTS = "held_out_documents"
_HALVINGS = 1000


class Half(NamedTuple):
    """Both codes on some of the documents, token by token the same text, and the labels of those documents."""

    left: Codes
    right: Codes
    documents: list[int]


@dataclass(frozen=True, eq=False)
class Halves:
    """The half that pairs are chosen on, the half they are measured on, and how many tokens only one side had."""

    choosing: Half
    held_out: Half
    left_out: dict[str, int]


class PairCorrelations(NamedTuple):
    """Pearson's r of named pairs with its jackknife error and co-firings, each (pairs,); NaN where not `defined`.

    r is not defined where a latent is constant on these tokens.
    """

    r: Floats
    standard_error: Floats
    cofirings: Integers
    defined: NDArray[np.bool_]


def split_by_document(left_codes: Codes, right_codes: Codes, seed: int = 0) -> Halves:
    """Two halves of the documents that both codes read, with nearly equal numbers of tokens.

    Of a thousand random halvings the one that halves the tokens best. Only the documents' sizes and the seed decide,
    never an activation.

    Raises
    ------
    InvalidCodes
        when no side knows documents, the two know different ones, or there is only one.

    >>> codes = Codes.from_dense(np.ones((6, 1)), groups=["a", "a", "b", "b", "c", "c"])
    >>> halves = split_by_document(codes, codes)
    >>> sorted(halves.choosing.documents + halves.held_out.documents)
    [0, 1, 2]
    """
    left, right, left_out = align(left_codes, right_codes)
    documents, number, sizes = np.unique(_groups(left, right), return_inverse=True, return_counts=True)
    if len(documents) < 2:
        raise InvalidCodes(
            "cross-fitting needs at least 2 documents, one to choose pairs on and one to measure them on, and these "
            "codes have 1; read more documents, or name smaller groups"
        )
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(0,))))
    drawn = (random.integers(0, 2, len(documents), dtype=np.int8) for _ in range(_HALVINGS))
    half_of = min(drawn, key=lambda half: abs(left.n_tokens - 2 * int(sizes[half == 1].sum())))
    halves = []
    for half in (0, 1):
        rows = np.flatnonzero(half_of[number] == half)
        halves.append(Half(left.take(rows), right.take(rows), documents[half_of == half].tolist()))
    return Halves(halves[0], halves[1], left_out)


def held_out(codes: Codes, pairing: Pairing) -> Codes:
    """The tokens of these codes that had no part in choosing the pairs: those of the pairing's held-out documents.

    Use it before a score that reads activations, so that the score rests on other tokens than the choice.

    Raises
    ------
    InvalidPairing
        when the pairing was not made with ``cross_fit=True``, or on another text.
    InvalidCodes
        when the codes know no documents, or lack one that was held out.

    >>> random = np.random.default_rng(0)
    >>> codes = Codes.from_dense(random.random((40, 3)), groups=np.arange(40) // 10)
    >>> pairing = Pairing([0], [1], provenance={"held_out_documents": [1, 3]})
    >>> held_out(codes, pairing).n_tokens
    20
    """
    if HELD_OUT_DOCUMENTS not in pairing.provenance:
        raise InvalidPairing(
            "this pairing held no documents out: its provenance has no 'held_out_documents'; "
            "make it with pair(..., cross_fit=True)"
        )
    text = str(pairing.provenance.get("text_hash") or "")
    if text and codes.text_hash and text != codes.text_hash:
        raise InvalidPairing(
            f"the pairing was made on another text (hash {text[:12]}) than these codes (hash {codes.text_hash[:12]}); "
            "its held-out documents mean nothing here"
        )
    documents = np.asarray(pairing.provenance[HELD_OUT_DOCUMENTS], dtype=np.int64)
    if codes.groups is None:
        raise InvalidCodes(f"{codes!r} know no documents, so nothing can be held out; give them groups")
    missing = documents[~np.isin(documents, codes.groups)]
    if len(missing):
        raise InvalidCodes(
            f"{len(missing)} of {len(documents)} held-out documents, the first is {missing[0]}, have no token in "
            f"{codes!r}; these are not the codes that were paired"
        )
    return codes.take(np.flatnonzero(np.isin(codes.groups, documents)))


def correlations_of_pairs(
    left_codes: Codes,
    right_codes: Codes,
    of_left: Integers,
    of_right: Integers,
    *,
    max_blocks: int = 20,
    memory: int | None = None,
) -> PairCorrelations:
    """Pearson's r of left latent ``of_left[i]`` with right latent ``of_right[i]``, and of no other pair.

    The same float64 sums as :func:`correlate`, to the last rounded digit, of the named columns only. Codes must be
    over the same tokens, row by row.

    >>> left = Codes.from_dense([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    >>> found = correlations_of_pairs(left, left, np.array([0, 0]), np.array([0, 1]))
    >>> found.r.round(3), found.cofirings
    (array([ 1.   , -0.739]), array([2, 0]))
    """
    budget = memory or batch_budget()
    blocks, _ = blocks_of_tokens(left_codes, right_codes, max_blocks)
    left, right = Side(left_codes, blocks), Side(right_codes, blocks)
    defined = ~(left.constant[of_left] | right.constant[of_right])
    r, error = np.full(len(of_left), np.nan), np.full(len(of_left), np.nan)
    cofirings = np.zeros(len(of_left), dtype=np.int64)
    if defined.any():
        pairs = of_left[defined], of_right[defined]
        sparse = left.suits_sparse() and right.suits_sparse()
        if not sparse:
            left.centre(budget)
            right.centre(budget)
        products, cofirings[defined] = (_sparse_products if sparse else _dense_products)(left, right, *pairs, budget)
        r[defined] = correlation(products, right, pairs[1], left, pairs[0])
        error[defined] = standard_errors(left, right, *pairs, budget)
    return PairCorrelations(r, error, cofirings, defined)


def _groups(left: Codes, right: Codes) -> Integers:
    """The document of each token of two aligned codes."""
    if left.groups is None and right.groups is None:
        raise InvalidCodes(
            "cross-fitting splits the text by document, and neither side knows which document a token belongs to; "
            "give groups (Codes.from_dense(activations, groups=documents)) or codes with a token table"
        )
    if left.groups is not None and right.groups is not None and not np.array_equal(left.groups, right.groups):
        first = int(np.argmax(left.groups != right.groups))
        raise InvalidCodes(
            f"left and right codes label their documents differently, the first difference is at token {first}: "
            f"{left.groups[first]} and {right.groups[first]}; give both the same labels"
        )
    groups = left.groups if left.groups is not None else right.groups
    assert groups is not None
    return groups


def _sparse_products(
    left: Side, right: Side, of_left: Integers, of_right: Integers, budget: int
) -> tuple[Floats, Integers]:
    """Sums of products and co-firings of the named pairs, of the non-zeros of their columns; needs little memory."""
    fires = [side.columns._replace(values=np.ones_like(side.columns.values)) for side in (left, right)]
    products = pair_products(left.columns, right.columns, left.n_tokens, of_left, of_right)
    return products, pair_products(fires[0], fires[1], left.n_tokens, of_left, of_right).astype(np.int64)


def _dense_products(
    left: Side, right: Side, of_left: Integers, of_right: Integers, budget: int
) -> tuple[Floats, Integers]:
    """The same of centred sides, rows by rows."""
    products, cofirings = np.zeros(len(of_left)), np.zeros(len(of_left), dtype=np.int64)
    everything = slice(None)
    width = left.n_latents + right.n_latents + 2 * len(of_left)
    for rows in slices(left.n_tokens, budget // (BYTES_PER_ENTRY * width)):
        values = left.block(rows, everything)[:, of_left], right.block(rows, everything)[:, of_right]
        products += np.einsum("tp,tp->p", *values)
        fires = left.nonzero(rows, everything)[:, of_left] * right.nonzero(rows, everything)[:, of_right]
        cofirings += np.count_nonzero(fires, axis=0)
    return products, cofirings
