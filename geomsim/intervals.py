"""Intervals: how far a score would move if the rows had been others from the same source.

1. Rows, or whole groups of rows, are left out (jackknife) or drawn with replacement (bootstrap).
2. Both sides are prepared anew from what is left, and scored; left row i keeps its right partner.
3. The spread of these scores gives a standard error and the two ends.

What an interval covers is the expected score of as many rows of the same kind. Many scores lean with the number of rows
(a CCA of few rows is high); an interval says nothing about that lean, which is what the null is for.

Subsampling (Politis and Romano 1994) is left out for the same reason: fewer rows score elsewhere. At 150 rows its 95%
intervals held the expected Procrustes, CCA and neighbour scores 0% to 65% of the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim.contract import Metric
from geomsim.errors import InapplicableNull, InvalidConfig
from geomsim.resampling import (
    Labels,
    Resample,
    Resampling,
    Sample,
    blocks,
    large_group_notes,
    left_out_text,
    members_of,
    samples_of,
)

if TYPE_CHECKING:
    from torch import Tensor

METHODS = ("auto", "jackknife", "bootstrap")
_MOST_BLOCKS = 50  # more would cost as many more preparations, and bring 49 degrees of freedom to infinity: 2.5%
_FEW_GROUPS = 18  # fewer make the percentile interval of a mean too narrow by more than a tenth
_ROUNDING = 1e-9  # scores that differ by less, as a share of the largest, differ by rounding
_LEAN = 0.5  # standard errors by which resampled scores may lie off the score


@dataclass(frozen=True)
class Interval:
    """The ends of an interval, its `confidence`, and the standard error `se` of the score.

    `method` is "jackknife" or "bootstrap"; `notes` say what a reader must know before believing the ends, in words that
    are true on every scale of the score.
    """

    low: float
    high: float
    confidence: float
    method: str
    se: float
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The ends in words, as in "0.12 to 0.34 (95%, jackknife)"."""
        return f"{self.low:z.4g} to {self.high:z.4g} ({100 * self.confidence:.4g}%, {self.method})"

    def mapped(self, scale: Callable[[float], float]) -> Interval:
        """The interval of ``scale(score)``, for a straight line ``scale``, rising or falling.

        >>> print(Interval(0.5, 0.75, 0.95, "jackknife", 0.125).mapped(lambda score: 1 - 2 * score))
        -0.5 to 0 (95%, jackknife)
        """
        low, high = sorted((scale(self.low), scale(self.high)))
        return replace(self, low=low, high=high, se=self.se * abs(scale(1.0) - scale(0.0)))


def check_options(method: object, confidence: object) -> None:
    """Raises InvalidConfig for a method of intervals, or a confidence, that does not exist."""
    if not isinstance(method, str) or method not in METHODS:
        raise InvalidConfig(f"no interval is called {method!r}; there are {', '.join(map(repr, METHODS))}")
    if not isinstance(confidence, float) or not 0 < confidence < 1:
        raise InvalidConfig(f"confidence lies between 0 and 1, for example 0.95, got {confidence!r}")


def interval(
    metric: Metric[Any],
    left: Tensor,
    right: Tensor,
    score: float,
    *,
    method: str = "auto",
    confidence: float = 0.95,
    resamples: int = 200,
    seed: int = 0,
    groups: Labels | tuple[Labels | None, Labels | None] | None = None,
    groups_are: str = "groups",
    advance: Callable[[int], object] = lambda done: None,
) -> Interval:
    r"""An interval for the expected score of as many rows of the same kind.

    **jackknife** ("auto"): the rows fall into g blocks, at most 50: whole groups where there are any (many groups are
    merged at random into blocks of like size), else rows at random. With s the score, s_j the score without block j
    of m_j among n rows, and h_j = n / m_j,

    .. math:: v = \frac1g \sum_j \frac{(\tilde s_j - \bar s)^2}{h_j - 1}, \quad
              \tilde s_j = h_j s - (h_j - 1) s_j, \quad \bar s = g s - \sum_j (1 - m_j / n) s_j

    which for equal blocks is (g - 1) / g times the sum of squared deviations of the s_j from their mean. The ends are
    s plus and minus sqrt(v) times the quantile of Student's t with g - 1 degrees of freedom. No row is repeated, so
    any metric will do. Where a score moves in jumps, as lists of neighbours and canonical correlations near 0 do, the
    standard error is too large (at 150 rows by a half and a fifth) and the interval errs on the side of caution.

    **bootstrap**: as many rows, or whole groups, as there are, drawn with replacement, `resamples` times; the ends are
    percentiles of the scores. For metrics that declare ``bootstrap = True`` only.

    Rows of a paired metric are left out, or drawn, on both sides together. The sides of an unpaired metric are taken
    as independent samples: the jackknife adds their variances (Welch and Satterthwaite's degrees of freedom), the
    bootstrap draws each on its own. Where both sides are made of the same texts, that is as a rule too wide.

    Parameters
    ----------
    metric, left, right, score
        points (rows, width) of both sides, and the raw score of all of them.
    groups
        rows that depend on each other (tokens of one document, pairs that share a row): for a paired metric one label
        per pair, (rows,); for an unpaired one a tuple, (left labels, right labels), either of which may be None.
    groups_are
        what errors and notes call them, in the plural; `PAIRS_SHARING_ROWS` where that is what they are.
    resamples
        of the bootstrap; the jackknife needs as many as there are blocks.
    seed
        decides which rows are left out together, and which are drawn.
    advance
        is told how much was done since the last call, in parts that add up to `resamples`, whatever the method.

    Raises
    ------
    InvalidConfig
        for a method, confidence, number or form of groups that does not exist.
    InapplicableNull
        for fewer than 4 groups, and for a bootstrap of a metric that repeated rows mislead.
    DegenerateSpace
        where the metric is undefined on a resample; the message says on which. None is ever skipped.

    References: Busing, Meijer, van der Leeden 1999, "Delete-m jackknife for unequal m", Statistics and Computing;
    Efron and Stein 1981, "The jackknife estimate of variance", Annals of Statistics (on average it is too large
    rather than too small); Efron and Tibshirani 1993, "An introduction to the bootstrap".

    >>> import geomsim, torch
    >>> left = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))
    >>> right = left + 0.5 * torch.randn(100, 8, generator=torch.Generator().manual_seed(1))
    >>> score = geomsim.compare(left, right, "procrustes", null=None).score
    >>> found = interval(geomsim.metric("procrustes"), left, right, score)
    >>> found.low < score < found.high, found.method
    (True, 'jackknife')
    """
    check_options(method, confidence)
    for name, number, least in (("resamples", resamples, 1), ("seed", seed, 0)):
        if not isinstance(number, int | np.integer) or number < least:
            raise InvalidConfig(f"{name} must be a whole number, at least {least}, got {number!r}")
    # A stream of its own: that of the null makes the orders, and a user's may have made the points.
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(2,))))
    samples = samples_of(metric, left, right, groups, groups_are)
    resampling = Resampling(metric, left, right, resamples, advance)
    if method == "bootstrap":
        return _bootstrap(resampling, samples, score, confidence, random)
    return _jackknife(resampling, samples, score, confidence, random)


def jackknife_variance(score: float, without: NDArray[np.float64], sizes: NDArray[np.int64]) -> float:
    """Delete-a-block variance of `score`, from the scores `without` each block and the blocks' `sizes`, both (g,).

    The formula stands in :func:`interval`. Of a mean with blocks of one row each it is the variance over n:

    >>> rows = np.array([1.0, 2.0, 4.0, 9.0])
    >>> without = (rows.sum() - rows) / 3
    >>> bool(np.isclose(jackknife_variance(rows.mean(), without, np.ones(4, dtype=int)), rows.var(ddof=1) / 4))
    True
    """
    share = sizes / sizes.sum()
    pseudo = (score - (1 - share) * without) / share
    centre = len(sizes) * score - ((1 - share) * without).sum()
    return float((share / (1 - share) * (pseudo - centre) ** 2).mean())


def _jackknife(
    work: Resampling, samples: Sequence[Sample], score: float, confidence: float, random: np.random.Generator
) -> Interval:
    from scipy import stats

    parts = [blocks(sample.labels, _MOST_BLOCKS, random) for sample in samples]
    resamples = [
        sample.resample(np.setdiff1d(np.arange(len(sample.labels)), rows), left_out_text(sample, rows))
        for sample, cut in zip(samples, parts, strict=True)
        for rows in cut
    ]
    scores = work.scores(resamples, len(resamples))
    notes = large_group_notes(samples)
    variances, done = [], 0
    for cut in parts:
        without = scores[done : done + len(cut)]
        done += len(cut)
        still = np.ptp([score, *without]) <= _ROUNDING * np.abs([score, *without]).max()
        variances.append(0.0 if still else jackknife_variance(score, without, np.array([len(rows) for rows in cut])))
    variance = sum(variances)
    se = math.sqrt(variance)
    if not se:
        return Interval(score, score, confidence, "jackknife", 0.0, (*notes, _STILL))
    freedom = variance**2 / sum(part**2 / (len(cut) - 1) for part, cut in zip(variances, parts, strict=True))
    reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * se
    return _clipped(work.metric, score - reach, score + reach, confidence, "jackknife", se, notes)


def _bootstrap(
    work: Resampling, samples: Sequence[Sample], score: float, confidence: float, random: np.random.Generator
) -> Interval:
    metric, count = work.metric, work.steps
    if not metric.bootstrap:
        raise InapplicableNull(
            f"{type(metric).__name__} does not declare bootstrap = True: rows drawn with replacement repeat, and a "
            "repeated row is a false neighbour or a tied rank, while fewer distinct rows raise the score of the "
            "likes of CCA. Use method='jackknife', which repeats none"
        )
    fewest = math.ceil(2 / (1 - confidence) - 1e-9)
    if count < fewest:
        raise InvalidConfig(
            f"the ends of a {confidence:.4g} interval need at least {fewest} resamples, one beyond each; got {count}"
        )
    members = [members_of(sample.labels) for sample in samples]

    def drawn() -> Iterator[Resample]:
        for number in range(count):
            name = f"bootstrap resample {number} of {count}"
            # Rows stay in their order, which means something to metrics that read neighbouring rows as one block.
            rows = [
                np.sort(np.concatenate([own[i] for i in random.integers(len(own), size=len(own))])) for own in members
            ]
            yield Resample(rows[0], rows[-1], name)

    scores = work.scores(drawn(), count)
    notes = large_group_notes(samples)
    for own, sample in zip(members, samples, strict=True):
        if len(own) < _FEW_GROUPS:
            notes.append(
                f"{len(own)} {sample.units}{sample.place} are few for a bootstrap, whose interval is then too narrow; "
                "method='jackknife' allows for their number"
            )
    if np.ptp([score, *scores]) <= _ROUNDING * np.abs([score, *scores]).max():
        return Interval(score, score, confidence, "bootstrap", 0.0, (*notes, _STILL))
    se, lean = float(scores.std(ddof=1)), float(scores.mean()) - score
    if abs(lean) > _LEAN * se:
        side = "closer" if (lean > 0) == (metric.larger_means == "closer") else "farther"
        notes.append(
            f"resampled scores lie {abs(lean) / se:.2g} standard errors to the {side} side of the score: "
            "repeated rows move it, and the interval with it. Use method='jackknife'"
        )
    low, high = np.quantile(scores, [(1 - confidence) / 2, (1 + confidence) / 2])
    return _clipped(metric, float(low), float(high), confidence, "bootstrap", se, notes)


_STILL = "no resample changes the score, so the interval is a single point; it holds for rows related as these are"


def _clipped(
    metric: Metric[Any], low: float, high: float, confidence: float, method: str, se: float, notes: Sequence[str]
) -> Interval:
    """The interval, cut to the range of the metric."""
    least, most = metric.score_range
    lower, upper = ("farther", "closer") if metric.larger_means == "closer" else ("closer", "farther")
    cut = [lower] * (low < least) + [upper] * (high > most)
    if cut:
        # Without numbers, which a chance-corrected score has others of.
        where = "both sides" if len(cut) == 2 else f"the {cut[0]} side"
        notes = [*notes, f"the interval was cut where the metric's range ends, on {where}: a rough guide so near to it"]
    return Interval(max(low, least), min(high, most), confidence, method, se, tuple(notes))
