"""Traces of heat kernels on graphs: from all eigenvalues, or estimated by stochastic Lanczos quadrature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import ive

Floats = NDArray[np.float64]

_STEPS = 10  # a rule of as many points is exact for polynomials of degree 19
_TOGETHER = 4 << 20  # numbers in one set of Krylov vectors
_MOST_PATHS = 50_000_000  # of two edges; beyond, the square of the graph may not fit
_SMALL = 1e-10


def exact_traces(similarity: sparse.csr_array, times: Floats) -> Floats:
    r"""(1/n) tr exp(-t (1 - S)) for each time, from all eigenvalues of S, (n, n), symmetric, in [-1, 1].

    >>> ring = sparse.csr_array(np.roll(np.eye(4), 1, 0) + np.roll(np.eye(4), -1, 0)) / 2  # eigenvalues 1, 0, 0, -1
    >>> abs(exact_traces(ring, np.ones(1))[0] - (1 + 2 * np.exp(-1) + np.exp(-2)) / 4) < 1e-15
    np.True_
    """
    from scipy.linalg import eigvalsh

    values = 1.0 - eigvalsh(similarity.toarray()).clip(-1.0, 1.0)
    return np.asarray(np.exp(-np.outer(times, values)).mean(axis=1))


def estimated_traces(similarity: sparse.csr_array, times: Floats, probes: int, seed: int) -> Floats:
    r"""Unbiased estimates of (1/n) tr exp(-t (1 - S)), (probes, times), one for each random vector of signs.

    1. For each vector v, the Lanczos process gives nodes and weights of a quadrature of the measure that v sees in the
       spectrum of S (Ubaru, Chen and Saad 2017, "Fast estimation of tr(f(A)) via stochastic Lanczos quadrature").
    2. In the Chebyshev series of exp(-t (1 - s)) the first terms up to degree 4 have a trace that is known: it follows
       from the edges, triangles and paths of the graph. Their share of the estimate is replaced by that, which leaves
       the error of the terms beyond.

    `similarity` has zeros on its diagonal. Memory is that of S, of its square, and of a few vectors.
    """
    known = _chebyshev_traces(similarity)
    series = np.stack([(2.0 - (degree == 0)) * ive(degree, times) for degree in range(len(known))])
    random = np.random.Generator(np.random.PCG64(seed))
    n_rows = similarity.shape[0]
    together = max(1, _TOGETHER // (n_rows * _STEPS))
    found = []
    for start in range(0, probes, together):
        signs = 2.0 * random.integers(0, 2, size=(min(together, probes - start), n_rows)).T.astype(np.float64) - 1.0
        nodes, weights = _quadrature(similarity, signs)
        beyond = np.exp(-times[:, None, None] * (1.0 - nodes))
        for degree, coefficients in enumerate(series):
            beyond -= coefficients[:, None, None] * np.cos(degree * np.arccos(nodes))
        found.append((beyond * weights).sum(axis=2).T + known @ series)
    return np.concatenate(found)


def _chebyshev_traces(similarity: sparse.csr_array) -> Floats:
    """(1/n) tr T_k(S) for k up to 4, or up to 2 where the square of S would be large."""
    n_rows = similarity.shape[0]
    degrees = np.diff(similarity.indptr).astype(np.float64)
    second = float(np.square(similarity.data).sum()) / n_rows
    moments = [1.0, 0.0, 2.0 * second - 1.0]
    if float(degrees @ degrees) <= _MOST_PATHS:
        square = similarity @ similarity
        third = float(square.multiply(similarity).sum()) / n_rows
        fourth = float(np.square(square.data).sum()) / n_rows
        moments += [4.0 * third, 8.0 * fourth - 8.0 * second + 1.0]
    return np.array(moments)


def _quadrature(similarity: sparse.csr_array, starts: Floats) -> tuple[Floats, Floats]:
    """Nodes in [-1, 1] and weights that add up to 1, each (vectors, nodes), for the columns of starts (n, vectors)."""
    n_rows, n_vectors = starts.shape
    steps = min(_STEPS, n_rows)
    krylov = np.empty((steps, n_rows, n_vectors))
    diagonal, beside = np.zeros((n_vectors, steps)), np.zeros((n_vectors, steps))
    krylov[0] = starts / np.linalg.norm(starts, axis=0)
    for step in range(steps):
        following = similarity @ krylov[step]
        diagonal[:, step] = np.einsum("ij,ij->j", krylov[step], following)
        for _ in range(2):  # against all vectors, twice: rounding brings old directions back
            shares = np.einsum("kij,ij->kj", krylov[: step + 1], following)
            following -= np.einsum("kij,kj->ij", krylov[: step + 1], shares)
        if step + 1 < steps:
            length = np.linalg.norm(following, axis=0)
            goes_on = length > _SMALL
            beside[:, step] = np.where(goes_on, length, 0.0)
            # A vector that has seen all it can goes on as zero: what is beyond has no weight.
            krylov[step + 1] = np.divide(following, length, out=np.zeros_like(following), where=goes_on)
    tridiagonal = np.zeros((n_vectors, steps, steps))
    place = np.arange(steps)
    tridiagonal[:, place, place] = diagonal
    tridiagonal[:, place[1:], place[:-1]] = beside[:, :-1]
    values, vectors = np.linalg.eigh(tridiagonal)
    return values.clip(-1.0, 1.0), np.square(vectors[:, 0, :])
