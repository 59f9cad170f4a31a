"""The rows of a dictionary with faults: what each stands for, where it points, and what it writes of what fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geomsim import InvalidConfig
from geomsim_synthetic.arrangement import turned
from geomsim_synthetic.faults import Faults
from geomsim_synthetic.structure import Events


class Row(NamedTuple):
    """One row of a dictionary: its kind, the sources that it stands for, and its firing probability."""

    kind: str
    sources: tuple[int, ...]
    probability: float


@dataclass(frozen=True)
class FaultyRows:
    """The rows of a dictionary over given sources, and which source each fault befell.

    Sources are all that a network adds up; without faults there is one row for each.
    """

    split: tuple[int, ...]
    duplicated: tuple[int, ...]
    merged: tuple[tuple[int, int], ...]
    absorbed: tuple[tuple[int, int], ...]
    rows: tuple[Row, ...]
    first_row: NDArray[np.int64]
    second_row: NDArray[np.int64]

    @property
    def has_faults(self) -> bool:
        """Whether rows are anything but the sources in another order."""
        return len(self.rows) != len(self.first_row) or bool(self.absorbed or self.merged)

    def directions(
        self,
        sources: NDArray[np.float64],
        generator: np.random.Generator,
        split_turn: float,
    ) -> NDArray[np.float64]:
        """(rows, width) from the sources' directions; `generator` draws the dead rows and the split rows' turns."""
        width = sources.shape[1]
        dead = generator.standard_normal((len(self.rows), width))
        aside = turned(sources[[row.sources[0] if row.sources else 0 for row in self.rows]], generator, split_turn)
        rows = np.empty((len(self.rows), width))
        for place, row in enumerate(self.rows):
            if row.kind == "dead":
                rows[place] = dead[place] / np.linalg.norm(dead[place])
            elif row.kind == "split":
                rows[place] = aside[place]
            elif len(row.sources) == 1:
                rows[place] = sources[row.sources[0]]
            else:
                total = sources[list(row.sources)].sum(axis=0)
                rows[place] = total / np.linalg.norm(total)
        return rows

    def write(
        self,
        events: Events,
        generator: np.random.Generator,
        sources: NDArray[np.float64],
        rows: NDArray[np.float64],
    ) -> Events:
        """Firings of sources as firings of rows: member numbers become row numbers, tunings the rows' magnitudes."""
        token, source, value = events
        row = self.first_row[source]
        second = self.second_row[source]
        if self.split:
            is_split = np.isin(source, self.split)
            # One number for each firing of any source, so that splitting one more feature changes no other's halves.
            goes_second = is_split & (generator.random(len(source)) < 0.5)
            row = np.where(goes_second, second, row)
        for parent, child in self.absorbed:
            child_tokens = token[source == child]
            taken = (source == parent) & np.isin(token, child_tokens)
            row = np.where(taken, self.first_row[child], row)
        weight = np.ones(len(source), dtype=np.float32)
        joined = np.isin(row, [place for place, each in enumerate(self.rows) if len(each.sources) > 1])
        weight[joined] = (sources[source[joined]] * rows[row[joined]]).sum(axis=1)
        is_twice = np.isin(source, self.duplicated)
        weight[is_twice] = 0.5
        return Events(
            np.concatenate([token, token[is_twice]]),
            np.concatenate([row, second[is_twice]]),
            np.concatenate([value * weight, value[is_twice] * np.float32(0.5)]),
        )


def faulty_rows(
    faults: Faults,
    kinds: Sequence[str],
    probabilities: NDArray[np.float64],
    plain: NDArray[np.int64],
    edges: Sequence[tuple[int, int]],
    order: NDArray[np.int64],
    generator: np.random.Generator,
    side: str,
) -> FaultyRows:
    """Choose which sources suffer what, and lay the rows out in a random order.

    Parameters
    ----------
    faults
        how many of each.
    kinds, probabilities
        of each source.
    plain
        sources that may be split, merged or duplicated: shared, with no law of their own.
    edges
        (parent, child) sources of shared hierarchies.
    order
        the sources in the order of their rows; rows that a fault adds come to random places among them.
    generator
        draws the choices and places.
    side
        for messages.

    Raises
    ------
    InvalidConfig
        where there are not enough features for the faults.
    """
    if faults.n_plain > len(plain):
        raise InvalidConfig(
            f"{side} faults need {faults.n_plain} shared features (a merge needs two) with no law of their own, but "
            f"only {len(plain)} are there; plant fewer faults or share more features"
        )
    absorbed = _disjoint(edges, faults.absorbed, side)
    chosen = iter(generator.permutation(plain).tolist())
    split, duplicated = ([next(chosen) for _ in range(n)] for n in (faults.split, faults.duplicated))
    merged = [(next(chosen), next(chosen)) for _ in range(faults.merged)]
    gone = {second: first for first, second in merged}
    partner = dict(merged)
    absorbers = {child: parent for parent, child in absorbed}
    losing = dict(absorbed)

    def row_of(source: int) -> Row:
        p = float(probabilities[source])
        if source in split:
            return Row("split", (source,), p / 2.0)
        if source in duplicated:
            return Row("duplicate", (source,), p)
        if source in partner:
            other = float(probabilities[partner[source]])
            return Row("merged", (source, partner[source]), p + other - p * other)
        if source in absorbers:
            return Row("absorbing", (source, absorbers[source]), p)
        if source in losing:
            return Row("absorbed", (source,), p - float(probabilities[losing[source]]))
        return Row(kinds[source], (source,), p)

    placed = [source for source in order.tolist() if source not in gone]
    rows: list[Row] = [row_of(source) for source in placed]
    extra = [row_of(source) for source in (*split, *duplicated)] + [Row("dead", (), 0.0)] * faults.dead
    if extra:
        shuffled = generator.permutation(len(rows) + len(extra))
        # The given order stays among the old rows; the new ones stand anywhere between.
        all_rows = [*rows, *extra]
        old_places = np.sort(shuffled[: len(rows)])
        laid: list[Row] = [extra[0]] * len(all_rows)
        for place, row in zip([*old_places.tolist(), *shuffled[len(rows) :].tolist()], all_rows, strict=True):
            laid[place] = row
        rows = laid
    first = np.full(len(kinds), -1, dtype=np.int64)
    second = np.full(len(kinds), -1, dtype=np.int64)
    for place, row in enumerate(rows):
        for source in row.sources if row.kind == "merged" else row.sources[:1]:
            (second if first[source] >= 0 else first)[source] = place
    return FaultyRows(
        tuple(split), tuple(duplicated), tuple(merged), tuple(absorbed), tuple(rows), first, second
    )  # fmt: skip


def _disjoint(edges: Sequence[tuple[int, int]], n: int, side: str) -> list[tuple[int, int]]:
    """The first `n` edges of which no two touch."""
    chosen: list[tuple[int, int]] = []
    touched: set[int] = set()
    for parent, child in edges:
        if len(chosen) < n and not touched & {parent, child}:
            chosen.append((parent, child))
            touched |= {parent, child}
    if len(chosen) < n:
        raise InvalidConfig(
            f"{side} faults: {n} absorbed features need as many parents with a child in shared hierarchies, no feature "
            f"in two of these pairs; there are {len(chosen)}. Add a Hierarchy to structures"
        )
    return chosen
