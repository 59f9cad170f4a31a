"""How surprising it is that two sets of rows share so many: hypergeometric tails, corrected for how many were tried."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim import InvalidConfig

Floats = NDArray[np.float64]

SMALLEST = float(np.finfo(np.float64).tiny)
"""What stands for chances that no float can hold."""


def hypergeometric_tail(shared: ArrayLike, first: ArrayLike, second: ArrayLike, total: int) -> Floats:
    r"""The chance that two sets of rows share at least so many, one of them drawn without regard to the other.

    .. math:: P(X \ge x) = \sum_{j \ge x} \binom{a}{j} \binom{n - a}{b - j} \Big/ \binom{n}{b}

    x rows are shared, a and b are in the sets, n there are (Fisher's exact test, one-sided). Rows must be
    exchangeable one by one: where they depend on each other, like the tokens of a document, the chance is larger. No
    chance is 0: what is below the smallest float of full precision, 2.2e-308, is given as that.

    >>> hypergeometric_tail([2, 0], [2, 2], [2, 2], 4).round(4).tolist()
    [0.1667, 1.0]
    """
    from scipy.stats import hypergeom

    counts = np.column_stack([np.ravel(np.asarray(values, dtype=np.int64)) for values in (shared, first, second)])
    if not len(counts):
        return np.empty(0)
    different, places = np.unique(counts, axis=0, return_inverse=True)
    x, a, b = different.T
    tail = np.clip(hypergeom.sf(x - 1, total, a, b), SMALLEST, 1.0)
    return np.asarray(tail, dtype=np.float64)[places.ravel()]


def false_discovery(p_values: ArrayLike, n_tests: int) -> tuple[Floats, Floats]:
    r"""The p-values corrected by Benjamini and Hochberg (1995), and by Benjamini and Yekutieli (2001).

    With p sorted upwards, the i-th becomes the smallest of :math:`m p_{(j)} / j` over j >= i, in the second case times
    :math:`1 + 1/2 + \dots + 1/m`. Of the m = `n_tests` tests, those whose p is not given count as p = 1.

    The first bounds the expected share of false alarms where tests are independent or depend on each other positively,
    the second under any dependence. Raises InvalidConfig for more p-values than tests.

    >>> [q.round(4).tolist() for q in false_discovery([0.01, 0.04], n_tests=4)]
    [[0.04, 0.08], [0.0833, 0.1667]]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if len(p) > n_tests:
        raise InvalidConfig(f"there are {len(p)} p-values of {n_tests} tests")
    order = np.argsort(p, kind="stable")
    steps = p[order] * n_tests / np.arange(1, len(p) + 1)
    rising = np.minimum.accumulate(steps[::-1])[::-1]
    # The harmonic number of m, exact enough beyond a million by its expansion.
    harmonic = (
        float((1.0 / np.arange(1, n_tests + 1)).sum())
        if n_tests <= 1_000_000
        else float(np.log(n_tests) + np.euler_gamma + 0.5 / n_tests)
    )
    hochberg, yekutieli = np.empty_like(p), np.empty_like(p)
    hochberg[order], yekutieli[order] = np.minimum(rising, 1.0), np.minimum(rising * harmonic, 1.0)
    return hochberg, yekutieli
