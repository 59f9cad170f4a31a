"""What an interval resamples, rows or whole groups, of both sides or of each, and the scores of the resamples."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim.contract import Metric, PairedMetric
from geomsim.errors import GeomsimError, GeomsimWarning, InapplicableNull, InvalidConfig
from geomsim.parallel import cores, on_cores
from geomsim.scoring import score_of

if TYPE_CHECKING:
    from torch import Tensor

PAIRS_SHARING_ROWS = "groups of pairs that hang together through shared rows"
"""What groups of pairs are where pairs that share a row, directly or through others, form one."""

_FEWEST_GROUPS = 4
_LARGE_GROUP = 0.5  # share of the rows beyond which one group decides the interval

Labels = NDArray[np.int64]
Rows = NDArray[np.int64] | None  # None: all rows of that side, as they are


def blocks(labels: Labels, most: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
    """Row numbers, rising, of at most `most` blocks of whole groups, in sizes as like as whole groups allow.

    The largest group comes first and each next one joins the smallest block; groups of one size come in random order.

    >>> [rows.tolist() for rows in blocks(np.array([0, 0, 1, 2, 2, 2]), 2, np.random.default_rng(0))]
    [[3, 4, 5], [0, 1, 2]]
    """
    groups = members_of(labels)
    shuffled = random.permutation(len(groups))
    falling = shuffled[np.argsort([-len(groups[number]) for number in shuffled], kind="stable")]
    members: list[list[NDArray[np.int64]]] = [[] for _ in range(min(most, len(groups)))]
    sizes = np.zeros(len(members), dtype=np.int64)
    for number in falling:
        smallest = int(np.argmin(sizes))
        members[smallest].append(groups[number])
        sizes[smallest] += len(groups[number])
    return [np.sort(np.concatenate(parts)) for parts in members]


@dataclass(frozen=True)
class Resample:
    """The rows that stay on each side, and what the resample is called in messages."""

    left: Rows
    right: Rows
    name: str


@dataclass(frozen=True)
class Sample:
    """Rows that are resampled together: those of both sides where they are paired, else those of one side."""

    labels: Labels
    grouped: bool
    left: bool
    right: bool
    groups_are: str

    def resample(self, rows: NDArray[np.int64], name: str) -> Resample:
        """These rows of the sides of this sample, all rows of the other."""
        return Resample(rows if self.left else None, rows if self.right else None, name)

    @property
    def noun(self) -> str:
        """What one of its units is called."""
        return "group" if self.grouped else "row"

    @property
    def units(self) -> str:
        """What its units are called."""
        return self.groups_are if self.grouped else "rows"

    @property
    def place(self) -> str:
        """The side it belongs to, in words; nothing for both."""
        return "" if self.left and self.right else " of the left side" if self.left else " of the right side"


@dataclass(frozen=True)
class Resampling:
    """A metric and its points, and how far `advance` is told to go in all."""

    metric: Metric[Any]
    left: Tensor
    right: Tensor
    steps: int
    advance: Callable[[int], object]

    def scores(self, resamples: Iterable[Resample], count: int) -> NDArray[np.float64]:
        """The score of each resample, what changed prepared anew; on all cores, with one torch thread each."""
        import torch

        def taken(points: Tensor, rows: Rows) -> Tensor:
            return points if rows is None else points[torch.from_numpy(rows).to(points.device)]

        def prepared(side: str, points: Tensor, rows: Rows, name: str) -> Any:
            if rows is None:
                return whole[side]
            try:
                return self.metric.prepare(points)
            except GeomsimError as error:
                raise error.within(f"{side} side, {name}") from None

        def scored(resample: Resample) -> float:
            first, second = taken(self.left, resample.left), taken(self.right, resample.right)
            left = prepared("left", first, resample.left, resample.name)
            right = prepared("right", second, resample.right, resample.name)
            try:
                return score_of(self.metric, left, right, first)
            except GeomsimError as error:
                raise error.within(resample.name) from None

        workers = cores() if self.left.device.type == "cpu" else 1
        scores = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GeomsimWarning)  # they would speak of resamples, not of the spaces
            paired = isinstance(self.metric, PairedMetric)  # whose sides never stay whole
            sides = {} if paired else {"left": self.left, "right": self.right}
            whole = {side: self.metric.prepare(points) for side, points in sides.items()}
            with closing(on_cores(scored, resamples, workers)) as values:
                for done, value in enumerate(values):
                    scores.append(value)
                    self.advance(self.steps * (done + 1) // count - self.steps * done // count)
        return np.array(scores)


def samples_of(
    metric: Metric[Any],
    left: Tensor,
    right: Tensor,
    groups: Labels | tuple[Labels | None, Labels | None] | None,
    groups_are: str,
) -> list[Sample]:
    """What is resampled: pairs of rows, or each side on its own."""
    if isinstance(metric, PairedMetric):
        if len(left) != len(right):
            raise InvalidConfig(f"rows of a paired metric come in pairs: left has {len(left)} and right {len(right)}")
        if isinstance(groups, tuple):
            raise InvalidConfig("a paired metric takes one group label per pair, not one set of labels per side")
        return [_sample(groups, len(left), True, True, groups_are)]
    if groups is not None and not (isinstance(groups, tuple) and len(groups) == 2):
        raise InvalidConfig(
            f"{type(metric).__name__} is unpaired and each side is resampled on its own: give "
            "groups=(left labels, right labels), either of which may be None"
        )
    left_groups, right_groups = groups or (None, None)
    return [
        _sample(left_groups, len(left), True, False, groups_are),
        _sample(right_groups, len(right), False, True, groups_are),
    ]


def _sample(labels: Labels | None, n_rows: int, left: bool, right: bool, groups_are: str) -> Sample:
    grouped = labels is not None
    sample = Sample(np.asarray(labels) if grouped else np.arange(n_rows), grouped, left, right, groups_are)
    if sample.labels.shape != (n_rows,):
        raise InvalidConfig(
            f"groups needs one label for each of the {n_rows} rows{sample.place}, got shape {sample.labels.shape}"
        )
    count = len(np.unique(sample.labels))
    if count < _FEWEST_GROUPS:
        advice = ""
        if groups_are == PAIRS_SHARING_ROWS:
            advice = (
                "; compare pairs that share fewer rows: pairing.one_to_one(), pairing.limit(), or those of one bucket "
                "of multiplicity, pairing.take(pairing.buckets()['1'])"
            )
        elif sample.grouped:
            advice = "; leave groups out only if rows do not depend on each other"
        raise InapplicableNull(
            f"an interval needs at least {_FEWEST_GROUPS} {sample.units} to see how they differ, got "
            f"{count}{sample.place}{advice}"
        )
    return sample


def members_of(labels: Labels) -> list[NDArray[np.int64]]:
    """The rows of each group, by rising label."""
    together = np.argsort(labels, kind="stable")
    return np.split(together, np.flatnonzero(np.diff(labels[together])) + 1)


def left_out_text(sample: Sample, rows: NDArray[np.int64]) -> str:
    """What a resample without these rows is called in messages."""
    labels = np.unique(sample.labels[rows]).tolist()
    some = ", ".join(map(str, labels[:5])) + (", ..." if len(labels) > 5 else "")
    size = f" ({len(rows)} of {len(sample.labels)} rows)" if sample.grouped else ""
    return f"without {sample.noun}{'s' * (len(labels) > 1)} {some}{sample.place}{size}"


def large_group_notes(samples: Sequence[Sample]) -> list[str]:
    """What a reader must know where one group holds most rows."""
    notes = []
    for sample in samples:
        sizes = np.unique(sample.labels, return_counts=True)[1]
        if sizes.max() > _LARGE_GROUP * sizes.sum():
            notes.append(
                f"the largest of {len(sizes)} {sample.units}{sample.place} holds {sizes.max() / sizes.sum():.0%} of "
                "the rows, and the interval is no surer than that one"
            )
    return notes
