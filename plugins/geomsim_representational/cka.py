"""Centred kernel alignment, biased (Kornblith et al. 2019) and debiased (Song et al. 2012), with exact moments."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import factorial, perm, prod
from typing import Literal, get_args

import torch
from torch import Tensor

from geomsim import DegenerateSpace, Explanation, GeomsimError, GeomsimWarning, Moments, PairedMetric

KernelName = Literal["linear", "rbf"]

_BLOCK = 64  # rows moved at a time
_BUFFER = 1 << 18  # numbers in a buffer: what is moved at a time stays in the processor's cache
_HIGH_BY_CHANCE = 0.1
_MOST_GRAM_ROWS = 8192  # half a gigabyte; beyond, features are kept even where a gram matrix would be faster


@dataclass(frozen=True)
class Alignment:
    r"""A symmetric matrix A (rows, rows) whose rows sum to 0, as itself or by its features.

    By features F (rows, k), with d the squared lengths of its rows, A = F F' + u (d 1' + 1 d') - t 1 1' - diag(e).
    u = t = e = 0 for a double-centred A; for a U-centred one u, t and e take its diagonal to 0.
    """

    features: Tensor | None  # (rows, k), columns centred
    gram: Tensor | None  # (rows, rows); one of the two is there
    lengths: Tensor  # (rows,), d, or the diagonal of a gram matrix
    debiased: bool = False
    bandwidth: float | None = None  # of an RBF kernel, in the unit of the points

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.lengths)

    @property
    def additive(self) -> tuple[float, float]:
        """u and t."""
        if not self.debiased or self.features is None:
            return 0.0, 0.0
        return 1 / (self.rows - 2), float(self.lengths.sum()) / ((self.rows - 1) * (self.rows - 2))

    @property
    def trace(self) -> float:
        """Trace of A."""
        return 0.0 if self.debiased else float(self.lengths.sum())

    def matrix(self) -> Tensor:
        """A itself."""
        if self.gram is not None:
            return self.gram
        assert self.features is not None
        gram = self.features @ self.features.T
        return _u_centred(gram) if self.debiased else gram


@dataclass(frozen=True)
class CKA(PairedMetric[Alignment]):
    r"""How alike the similarities of all pairs of rows are on both sides, by linear or RBF kernels.

    .. math:: \frac{\operatorname{tr}(K L)}{\lVert K \rVert_F \lVert L \rVert_F}

    K and L (rows, rows) are the kernel matrices of both sides with centred rows and columns: :math:`K = X_c X_c^\top`
    for "linear", the centred :math:`\exp(-\lVert x_i - x_j \rVert^2 / 2 \sigma^2)` for "rbf", where sigma is
    `bandwidth` times the median distance of two rows of that side ("linear" has no use for it). Widths may differ.
    Range [0, 1], larger is closer. Unchanged by rotation, scaling and translation.

    Pitfall: biased upwards. By chance the score is tr K tr L / ((n - 1) |K| |L|), which nears 1 when rows are few for
    the width (white noise, 50 rows in width 500: .91) or the bandwidth is small; from .1 on a warning says so. Use
    `debiased-cka` then. A few directions of large variance decide a linear score.

    `null_moments` are exact: mean and variance of Kazi-Aoual et al. 1995, and the third moment. Time O(rows^3) where
    rows <= width, else O(rows^2 x width). Scores take O(rows^2) or, where that is less, O(rows x width x width').

    Raises DegenerateSpace for fewer than three rows (two always score 1), for equal rows, and for a median distance
    of 0 ("rbf").

    References: Kornblith, Norouzi, Lee, Hinton 2019, "Similarity of neural network representations revisited", ICML;
    Kazi-Aoual, Hitier, Sabatier, Lebreton 1995, "Refined approximations to permutation tests for multivariate
    inference", Computational Statistics and Data Analysis.

    >>> import numpy as np, geomsim
    >>> from geomsim_representational.cka import CKA
    >>> points = np.random.default_rng(0).normal(size=(100, 4))
    >>> round(geomsim.compare(points, points[:, ::-1] * 2 + 1, CKA(), null=None).score, 6)
    1.0
    """

    kernel: KernelName = "linear"
    bandwidth: float = 1.0

    larger_means = "closer"
    score_range = (0.0, 1.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def __post_init__(self) -> None:
        """Check the parameters."""
        _check_parameters(self.kernel, self.bandwidth)

    def prepare(self, points: Tensor) -> Alignment:
        """The centred kernel matrix with norm 1, or features for it; O(rows^2 x width) at most."""
        if len(points) < 3:
            raise DegenerateSpace(
                f"{len(points)} rows are too few for CKA: two rows score 1 with any others; use at least 3"
            )
        features, gram, bandwidth = _kernel(points, self.kernel, self.bandwidth)
        if features is not None:
            features = features / torch.linalg.matrix_norm(features.T @ features).sqrt()
            return Alignment(features, None, features.square().sum(1))
        assert gram is not None
        gram = gram / torch.linalg.matrix_norm(gram)
        return Alignment(None, gram, gram.diagonal(), bandwidth=bandwidth)

    def score(self, left: Alignment, right: Alignment, order: Tensor) -> Tensor:
        """Inner product of the two matrices, the right one reordered."""
        chance = left.trace * right.trace / (left.rows - 1)
        if chance >= _HIGH_BY_CHANCE:
            warnings.warn(
                f"with {left.rows} rows this biased CKA is {chance:.2f} by chance alone: rows are few for the number "
                "of directions. Read it against its null, or use debiased-cka",
                GeomsimWarning,
                stacklevel=2,
            )
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Alignment, right: Alignment, orders: Tensor) -> Tensor:
        """Each order gathers one matrix block by block, or multiplies features where both sides keep them."""
        return _inner_products(left, right, orders).clamp(0.0, 1.0)  # rounding leaves the range by an eps or two

    def bytes_per_order(self, left: Alignment, right: Alignment) -> int:
        """What is moved for one order. Once per batch come the matrices of sides that keep features."""
        return _bytes_per_order(left, right)

    def null_moments(self, left: Alignment, right: Alignment) -> Moments:
        """Exact mean, variance and skewness over all orders."""
        return reordering_moments(left, right)

    def explain(self, left: Alignment, right: Alignment) -> Explanation:
        """Effective dimensions (tr K)^2 / |K|^2, the score by chance, and what each row adds to the score."""
        return Explanation(
            {
                "effective dimensions left": left.trace**2,
                "effective dimensions right": right.trace**2,
                "mean by chance": left.trace * right.trace / (left.rows - 1),
                **_bandwidths(left, right),
            },
            _added_by_row(left, right),
        )


@dataclass(frozen=True)
class DebiasedCKA(PairedMetric[Alignment]):
    r"""Centred kernel alignment that is 0 on average where nothing is shared, however few the rows.

    .. math:: \frac{\mathrm{HSIC}_1(K, L)}{\sqrt{\mathrm{HSIC}_1(K, K)\, \mathrm{HSIC}_1(L, L)}}, \qquad
       \mathrm{HSIC}_1(K, L) = \frac{1}{n(n-3)} \left[\operatorname{tr}(\tilde K \tilde L)
       + \frac{1^\top \tilde K 1\; 1^\top \tilde L 1}{(n-1)(n-2)} - \frac{2}{n-2} 1^\top \tilde K \tilde L 1\right]

    :math:`\tilde K`, :math:`\tilde L` (rows, rows) are the kernel matrices of both sides, not centred, with 0 on the
    diagonal; kernels and `bandwidth` as for `cka`. HSIC_1 is an inner product of U-centred matrices (Székely and Rizzo
    2014), so the range is [-1, 1]; larger is closer. Unchanged by rotation, scaling and translation.

    Pitfalls: negative values mean "no more than chance"; single scores of few rows scatter widely. The right choice
    where rows are fewer than columns. `null_moments` are exact as for `cka`, and the mean is 0.

    Raises DegenerateSpace for fewer than four rows, for equal rows, and where HSIC_1 of a side with itself is 0: no
    two pairs of rows then differ in similarity beyond what single rows add (mutually orthogonal rows of equal length,
    all rows equal but one).

    References: Song, Smola, Gretton, Bedo, Borgwardt 2012, "Feature selection via dependence maximization", JMLR;
    Nguyen, Raghu, Kornblith 2021, "Do wide and deep networks learn the same things?", ICLR.

    >>> import numpy as np, geomsim
    >>> from geomsim_representational.cka import CKA, DebiasedCKA
    >>> noise = np.random.default_rng(0).normal(size=(2, 50, 500))
    >>> [round(geomsim.compare(*noise, metric, null=None).score, 3) for metric in (CKA(), DebiasedCKA())]
    [0.906, -0.014]
    """

    kernel: KernelName = "linear"
    bandwidth: float = 1.0

    larger_means = "closer"
    score_range = (-1.0, 1.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation", "column_permutation"})

    def __post_init__(self) -> None:
        """Check the parameters."""
        _check_parameters(self.kernel, self.bandwidth)

    def prepare(self, points: Tensor) -> Alignment:
        """The U-centred kernel matrix with norm 1, or features for it; O(rows^2 x width) at most."""
        n_rows = len(points)
        if n_rows < 4:
            raise DegenerateSpace(f"{n_rows} rows are too few for debiased CKA, which needs at least 4; use more rows")
        features, gram, bandwidth = _kernel(points, self.kernel, self.bandwidth)
        if features is not None:
            features = features / torch.linalg.matrix_norm(features.T @ features).sqrt()
            lengths = features.square().sum(1)
            self_term = float(
                1 - n_rows / (n_rows - 2) * lengths @ lengths + lengths.sum() ** 2 / ((n_rows - 1) * (n_rows - 2))
            )
            if self_term > 1e-4:  # below, the difference above has lost digits that the full matrix keeps
                features = features / self_term**0.25
                return Alignment(features, None, features.square().sum(1), debiased=True)
            gram = features @ features.T
        assert gram is not None
        centred = _u_centred(gram)
        norm = torch.linalg.matrix_norm(centred)
        # Relative to the kernel itself, as its U-centring is correct to rounding of that.
        if float(norm) <= n_rows * torch.finfo(gram.dtype).eps * float(torch.linalg.matrix_norm(gram)):
            raise DegenerateSpace(
                "the debiased self-similarity of this side is 0: beyond what single rows add, no two rows are more "
                "alike than any other two (as with orthogonal rows of equal length, or all rows equal but one). "
                "Use cka or rsa"
            )
        gram = centred / norm
        return Alignment(None, gram, gram.diagonal(), debiased=True, bandwidth=bandwidth)

    def score(self, left: Alignment, right: Alignment, order: Tensor) -> Tensor:
        """Inner product of the two matrices, the right one reordered."""
        return self.score_many(left, right, order[None])[0]

    def score_many(self, left: Alignment, right: Alignment, orders: Tensor) -> Tensor:
        """Each order gathers one matrix block by block, or multiplies features where both sides keep them."""
        return _inner_products(left, right, orders).clamp(-1.0, 1.0)  # rounding leaves the range by an eps or two

    def bytes_per_order(self, left: Alignment, right: Alignment) -> int:
        """What is moved for one order. Once per batch come the matrices of sides that keep features."""
        return _bytes_per_order(left, right)

    def null_moments(self, left: Alignment, right: Alignment) -> Moments:
        """Exact mean, 0, variance and skewness over all orders."""
        return reordering_moments(left, right)

    def explain(self, left: Alignment, right: Alignment) -> Explanation:
        """What each row adds to the score, and the bandwidths of RBF kernels."""
        return Explanation(_bandwidths(left, right), _added_by_row(left, right))


def reordering_moments(left: Alignment, right: Alignment) -> Moments:
    """Exact mean, variance and skewness of tr(A P B P') over all orders P.

    Without its part c (I - 1/n), c = tr A / (n - 1), which no reordering changes, A has trace 0 and the product mean 0.
    Its powers are sums over row numbers of products of entries. Over *distinct* row numbers an order acts on each
    alike, so the mean of a product of sums is their product over the count n! / (n - m)! of m distinct numbers; such
    sums follow from sums over all row numbers by inclusion and exclusion. Rows sum to 0, which leaves two invariants
    of a matrix for the variance and five for the third moment.
    """
    n_rows = left.rows
    mean = left.trace * right.trace / (n_rows - 1)
    sides = [_invariants(side) for side in (left, right)]
    # A multiple of I - 1/n is the same in every order; what is left of it is rounding.
    if min(side[2, 2, 0] for side in sides) <= (n_rows * torch.finfo(torch.float64).eps) ** 2:
        return Moments(mean, 0.0)
    variance, third = (_mean_power(power, sides[0], sides[1], n_rows) for power in (2, 3))
    return Moments(mean, variance, third / variance**1.5 if variance > 0 else None)


Graph = tuple[int, int, int]  # of a product of entries: how many, of how many row numbers, how many on the diagonal


def _invariants(side: Alignment) -> dict[Graph, float]:
    """Sums over all row numbers i, j, k of the products that do not vanish, for A less its part c (I - 1/n).

    Two entries: a_ii^2 and a_ij^2. Three: a_ii^3, a_ij^3, a_ii a_ij^2, a_ii a_ij a_jj and a_ij a_jk a_ki.
    """
    shift = side.trace / (side.rows - 1)
    u, t = side.additive
    # What the diagonal loses: c, and for U-centring by features all that is on it.
    lost = side.lengths * (1 + 2 * u) - t if side.debiased and side.features is not None else side.lengths * 0 + shift
    diagonal = side.lengths * (1 + 2 * u) - t - lost + shift / side.rows
    found: defaultdict[Graph, float] = defaultdict(float)
    for rows in torch.split(torch.arange(side.rows, device=side.lengths.device), _BLOCK):
        if side.features is not None:
            block = side.features[rows] @ side.features.T
            block += u * (side.lengths[rows, None] + side.lengths) - t + shift / side.rows
        else:
            assert side.gram is not None
            block = side.gram[rows] + shift / side.rows
        block[torch.arange(len(rows), device=rows.device), rows] -= lost[rows]
        # Columns of A sum to 0, so constants that U-centring or the shift add to them drop out of the product.
        twice = -block * lost
        if side.features is not None:
            twice += block @ side.features @ side.features.T + u * (block @ side.lengths)[:, None]
        else:
            assert side.gram is not None
            twice += block @ side.gram
        squares = block.square()
        found[2, 2, 0] += float(squares.sum())
        found[3, 2, 0] += float((squares * block).sum())
        found[3, 2, 1] += float(diagonal[rows] @ squares.sum(1))
        found[3, 2, 2] += float(diagonal[rows] @ block @ diagonal)
        found[3, 3, 0] += float((twice * block).sum())
    found[2, 1, 2] = float(diagonal.square().sum())
    found[3, 1, 3] = float(diagonal.pow(3).sum())
    return dict(found)


def _mean_power(power: int, left: dict[Graph, float], right: dict[Graph, float], n_rows: int) -> float:
    """Mean of tr(A P B P')^power over all orders."""
    total = 0.0
    for (distinct, weights), times in _distinct_sums(power).items():
        if distinct <= n_rows:
            sums = [sum(weight * side[graph] for graph, weight in weights) for side in (left, right)]
            total += times * sums[0] * sums[1] / perm(n_rows, distinct)
    return total


@cache
def _distinct_sums(power: int) -> Counter[tuple[int, tuple[tuple[Graph, int], ...]]]:
    """For each way in which 2 x power row numbers coincide: how many differ, and their sum by invariants; with counts.

    The sum over distinct numbers is that over all coarser coincidences, each weighted with the Möbius function of the
    lattice of partitions, the product over merged blocks of (-1)^(m-1) (m-1)!.
    """
    found: Counter[tuple[int, tuple[tuple[Graph, int], ...]]] = Counter()
    for labels in _partitions(2 * power):
        distinct = max(labels) + 1
        weights: Counter[Graph] = Counter()
        for merged in _partitions(distinct):
            graph = _graph([merged[label] for label in labels])
            if graph is not None:
                weights[graph] += prod((-1) ** (m - 1) * factorial(m - 1) for m in Counter(merged).values())
        found[distinct, tuple(sorted(weights.items()))] += 1
    return found


def _partitions(size: int) -> Iterator[tuple[int, ...]]:
    """All partitions of `size` things, as the block number of each, blocks numbered as they appear."""
    if not size:
        yield ()
        return
    for head in _partitions(size - 1):
        for block in range(max(head, default=-1) + 2):
            yield (*head, block)


def _graph(labels: Sequence[int]) -> Graph | None:
    """The invariant that a product of entries a[labels 0, 1] a[labels 2, 3] ... sums to, None where that is 0."""
    entries = list(zip(labels[::2], labels[1::2], strict=True))
    degrees = Counter(labels)
    diagonal = Counter(first for first, second in entries if first == second)
    # A row number in one entry only sums to a row sum or to the trace, both 0.
    if any(degree == 1 or (degree == 2 and diagonal[label] == 1) for label, degree in degrees.items()):
        return None
    return len(entries), len(degrees), diagonal.total()


def _check_parameters(kernel: str, bandwidth: float) -> None:
    if kernel not in get_args(KernelName):
        raise GeomsimError(f"kernel is one of {', '.join(get_args(KernelName))}; got {kernel!r}")
    if not 0 < bandwidth < float("inf"):
        raise GeomsimError(f"bandwidth is a positive multiple of the median distance, got {bandwidth}")


def _kernel(points: Tensor, kernel: KernelName, bandwidth: float) -> tuple[Tensor | None, Tensor | None, float | None]:
    """Features or double-centred kernel matrix, and the bandwidth in the unit of the points."""
    n_rows, width = points.shape
    points = points.double()
    unit = float(points.abs().max()) or 1.0  # no square leaves the range of numbers
    points = points / unit
    # From the first row first: equal rows are then exactly 0, whatever the mean rounds to.
    points = points - points[0]
    points = points - points.mean(0)
    largest = float(points.abs().max())
    if not largest:
        raise DegenerateSpace(f"all {n_rows} rows are equal, so the centred kernel is 0")
    points = points / largest
    if kernel == "linear":
        # A product of features costs rows x width x width', a gathered matrix rows x rows; the latter is slower by far
        # for each number.
        if width < n_rows and (width**2 <= 8 * n_rows or n_rows > _MOST_GRAM_ROWS):
            return points, None, None
        return None, points @ points.T, None
    lengths = points.square().sum(1)
    squares = (lengths[:, None] + lengths - 2 * (points @ points.T)).clamp(min=0)
    # Distances within rounding of 0 are 0: equal rows must look equal.
    squares[squares <= 1e-12 * squares.max()] = 0.0
    above = torch.triu_indices(n_rows, n_rows, 1, device=points.device)
    distances = squares[above[0], above[1]].sqrt()
    middle = len(distances) // 2
    median = float(distances.kthvalue(middle + 1).values)
    if len(distances) % 2 == 0:
        median = (median + float(distances.kthvalue(middle).values)) / 2
    if not median:
        raise DegenerateSpace("the median distance of two rows is 0, so it sets no bandwidth; use kernel='linear'")
    gram = torch.exp(-squares / (2 * (bandwidth * median) ** 2))
    gram = gram - gram.mean(0)
    gram = gram - gram.mean(1, keepdim=True)
    return None, gram, bandwidth * median * largest * unit


def _u_centred(gram: Tensor) -> Tensor:
    """Off the diagonal what is left of the entries beyond row and column effects, on it 0; rows sum to 0."""
    n_rows = len(gram)
    gram = gram.clone()
    gram.fill_diagonal_(0.0)
    sums = gram.sum(1)
    gram -= (sums[:, None] + sums) / (n_rows - 2)
    gram += sums.sum() / ((n_rows - 1) * (n_rows - 2))
    gram.fill_diagonal_(0.0)
    return gram


def _inner_products(left: Alignment, right: Alignment, orders: Tensor) -> Tensor:
    """tr(A P B P') for each order."""
    scores = left.lengths.new_zeros(len(orders))
    if left.features is not None and right.features is not None:
        transposed = left.features.T.contiguous()
        for draw, order in enumerate(orders):
            scores[draw] = (transposed @ right.features.index_select(0, order)).square().sum()
            if left.debiased:
                u, t = left.additive
                lengths = right.lengths.index_select(0, order)
                scores[draw] += t * right.lengths.sum() - (1 + 2 * u) * (left.lengths @ lengths)
        return scores
    return _gathered_products(left.matrix(), right.matrix(), orders)


def _gathered_products(matrix: Tensor, other: Tensor, orders: Tensor) -> Tensor:
    """Sums over i and j of matrix[i, j] other[order[i], order[j]], block by block on and above the diagonal."""
    n_rows, scores = len(matrix), matrix.new_zeros(len(orders))
    starts = range(0, n_rows, _BLOCK)
    blocks = []
    for start in starts:
        block = matrix[start : start + _BLOCK, start:].clone()
        block[:, len(block) :] *= 2  # these pairs of rows are met once, those in the square on the diagonal twice
        blocks.append(block.view(-1))
    largest = min(_BLOCK, n_rows) * n_rows
    together = min(len(orders), max(1, _BUFFER // largest))
    # Written over and over: fresh memory for each block takes longer than filling it.
    whole, part = other.new_empty(together * largest), other.new_empty(together * largest)
    for some, chunk in zip(torch.split(scores, together), torch.split(orders, together), strict=True):
        for start, block in zip(starts, blocks, strict=True):
            wanted = chunk[:, start : start + _BLOCK]
            draws, height = wanted.shape
            rows = whole[: draws * height * n_rows].view(-1, n_rows)
            torch.index_select(other, 0, wanted.reshape(-1), out=rows)
            moved = part[: draws * len(block)].view(draws, height, n_rows - start)
            columns = chunk[:, None, start:].expand(-1, height, -1)
            torch.gather(rows.view(draws, height, n_rows), 2, columns, out=moved)
            some += moved.view(draws, -1) @ block
    return scores


def _bytes_per_order(left: Alignment, right: Alignment) -> int:
    if left.features is not None and right.features is not None:
        return 8 * (right.features.numel() + 2 * left.features.shape[1] * right.features.shape[1])
    return 2 * 8 * min(_BLOCK, right.rows) * right.rows


def _added_by_row(left: Alignment, right: Alignment) -> dict[str, dict[str, list[float] | list[int]]]:
    if left.features is not None and right.features is not None:
        added = (left.features @ (left.features.T @ right.features) * right.features).sum(1)
        u, t = left.additive
        if left.debiased:
            added += t * right.lengths.sum() / left.rows - (1 + 2 * u) * left.lengths * right.lengths
    else:
        added = (left.matrix() * right.matrix()).sum(1)
    return {"rows": {"row": list(range(left.rows)), "adds": added.tolist()}}


def _bandwidths(left: Alignment, right: Alignment) -> dict[str, float]:
    sides = {"bandwidth left": left.bandwidth, "bandwidth right": right.bandwidth}
    return {name: value for name, value in sides.items() if value is not None}
