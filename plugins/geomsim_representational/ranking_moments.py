"""Exact mean, variance and skewness, over all orders, of what the neighbour rankings of two sides share.

Cut at its first d places, a ranking is an arc graph G_d, and what is added for a shared neighbour at places r and r' is
the sum of c_d over all d beyond both. So the score is the sum of c_d S_d, where S_d counts the arcs that G_d and G'_d
share. The means of S_d S_e and S_d S_e S_f follow from how an arc of G_d, one of G_e and one of G_f can lie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from geomsim import Moments
from geomsim_representational.arc_moments import weights_at
from geomsim_representational.coincidences import mean_power

_DEEPEST = 64  # the third moment takes time and memory with the third power of the depth
_TOGETHER = 1 << 17  # triples of cuts taken at a time
_BLOCK = 1 << 20  # paths of two arcs looked up at a time

Arc = tuple[int, int, Tensor]  # tail, head, and the cut of its graph, less 1


def ranking_moments(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor], adds: Tensor) -> Moments:
    """Moments of the sum over rows and their shared neighbours of ``adds[max(place, place')]``.

    Each side is its neighbours (rows, depth), rising row numbers without self, and the places 0, 1, ... at which its
    rankings show them; `adds` is (depth,). Time O(rows x depth^2 x (depth + log rows) + depth^3). The skewness is None
    for rankings deeper than 64, and where the score is the same in every order.
    """
    n, depth = left[0].shape
    changes = _by_cut(adds)
    powers = (1, 2, 3) if depth <= _DEEPEST else (1, 2)
    sides = [_tables(*side, deep=3 in powers) for side in (left, right)]
    raw = [_raw_moment(power, sides[0], sides[1], changes) for power in powers]
    mean, variance = raw[0], raw[1] - raw[0] ** 2
    if variance <= n * torch.finfo(torch.float64).eps * mean**2:  # what rounding leaves of nothing
        return Moments(mean, 0.0)
    if len(raw) < 3:
        return Moments(mean, variance)
    return Moments(mean, variance, (raw[2] - 3 * mean * raw[1] + 2 * mean**3) / variance**1.5)


def ranking_mean(n_rows: int, adds: Tensor) -> float:
    """The mean alone of :func:`ranking_moments`, which is the same for all rankings of one depth; O(depth)."""
    # A single arc needs no table: d arcs leave every row of G_d.
    none = adds.new_zeros(0)
    side = _Tables(n_rows, none, none, none, none, none, none, none)
    return _raw_moment(1, side, side, _by_cut(adds))


def _by_cut(adds: Tensor) -> Tensor:
    """What each cut adds for a shared arc, c_d."""
    return (adds - torch.nn.functional.pad(adds[1:], (0, 1))).cpu()


def _raw_moment(power: int, left: _Tables, right: _Tables, changes: Tensor) -> float:
    """The mean of the score to the `power`; a few cuts of the first graph at a time."""
    depth, total = len(changes), 0.0
    every = torch.arange(depth)
    for first in torch.split(every, max(1, _TOGETHER // depth ** (power - 1))):
        cuts = torch.meshgrid(first, *[every] * (power - 1), indexing="ij")
        found = [_by_labels(side, cuts) for side in (left, right)]
        mean = mean_power(power, _without_loops, found[0], found[1], left.rows, changes.new_zeros(()))
        for cut in cuts:
            mean = mean * changes[cut]
        total += float(mean.sum())
    return total


def _without_loops(labels: Sequence[int]) -> tuple[int, ...] | None:
    """The labels themselves, None where an arc leads from a row to itself."""
    return None if any(tail == head for tail, head in zip(labels[::2], labels[1::2], strict=True)) else tuple(labels)


def _by_labels(side: _Tables, cuts: Sequence[Tensor]) -> Callable[[tuple[int, ...]], Tensor]:
    """For the labels of arcs, how often arcs of the graphs with these cuts lie so, over all row numbers."""

    @cache
    def count(labels: tuple[int, ...]) -> Tensor:
        # Arcs on the same rows are one arc, of the smaller graph.
        merged: dict[tuple[int, int], Tensor] = {}
        for ends, cut in zip(zip(labels[::2], labels[1::2], strict=True), cuts, strict=True):
            merged[ends] = torch.minimum(merged[ends], cut) if ends in merged else cut
        parts: list[list[Arc]] = []
        for tail, head, cut in ((*ends, cut) for ends, cut in merged.items()):
            touching = [part for part in parts if {tail, head} & {row for arc in part for row in arc[:2]}]
            parts = [part for part in parts if part not in touching]
            parts.append([*(arc for part in touching for arc in part), (tail, head, cut)])
        product = cuts[0].new_ones((), dtype=torch.float64)
        for part in parts:
            product = product * side.count(part)
        return product

    return count


@dataclass(frozen=True)
class _Tables:
    """How often connected arcs of G_d, G_e and G_f lie in each way; entry d - 1 belongs to G_d. float64."""

    rows: int
    heads: Tensor  # one head: d, e -> x
    reciprocal: Tensor  # d: x -> y, e: y -> x
    three_heads: Tensor  # d, e, f -> x
    reciprocal_fed: Tensor  # d: x -> y, e: y -> x, f -> x
    bridge: Tensor  # d: x -> y, e -> x, f -> y
    cyclic: Tensor  # d: x -> y, e: y -> z, f: z -> x
    transitive: Tensor  # d: x -> y, e: y -> z, f: x -> z

    def count(self, arcs: list[Arc]) -> Tensor:
        """How often these connected arcs, of which no two lie on the same rows the same way, lie so."""
        ends = [row for arc in arcs for row in arc[:2]]
        for place, (_, head, cut) in enumerate(arcs):
            if ends.count(head) == 1:  # every row of G_d has d arcs, wherever else it stands
                rest = arcs[:place] + arcs[place + 1 :]
                return (cut + 1) * (self.count(rest) if rest else self.rows)
        tails, cuts = [arc[0] for arc in arcs], [arc[2] for arc in arcs]
        if len({arc[1] for arc in arcs}) == 1:
            return self.heads[cuts[0], cuts[1]] if len(arcs) == 2 else self.three_heads[cuts[0], cuts[1], cuts[2]]
        if len(arcs) == 2:
            return self.reciprocal[cuts[0], cuts[1]]
        by_ends = {arc[:2]: arc[2] for arc in arcs}
        if len(set(ends)) == 4:
            middle = next(arc for arc in arcs if ends.count(arc[0]) == 2)
            into_tail, into_head = (
                next(arc[2] for arc in arcs if arc[1] == row and arc is not middle) for row in middle[:2]
            )
            return self.bridge[middle[2], into_tail, into_head]
        for tail, head in by_ends:
            if (head, tail) in by_ends and ends.count(tail) == 3:
                fed = next(cut for one, cut in by_ends.items() if one not in ((tail, head), (head, tail)))
                return self.reciprocal_fed[by_ends[tail, head], by_ends[head, tail], fed]
        if len(set(tails)) == 3:
            after = {arc[0]: arc[1] for arc in arcs}
            second = after[tails[0]]
            return self.cyclic[cuts[0], by_ends[second, after[second]], by_ends[after[second], tails[0]]]
        first = next(tail for tail in tails if tails.count(tail) == 2)
        middle_row = next(tail for tail in tails if tails.count(tail) == 1)
        last = next(arc[1] for arc in arcs if arc[0] == middle_row)
        return self.transitive[by_ends[first, middle_row], by_ends[middle_row, last], by_ends[first, last]]


def _tables(rows: Tensor, ranks: Tensor, deep: bool) -> _Tables:
    """The tables of one side; those of three arcs only where they are wanted."""
    rows, ranks = rows.cpu(), ranks.cpu()
    n, depth = rows.shape
    tails = torch.arange(n)[:, None].expand_as(rows)
    into = torch.zeros(n, depth, dtype=torch.float64)
    into.index_put_((rows.flatten(), ranks.flatten()), into.new_ones(rows.numel()), accumulate=True)
    into = into.cumsum(1)  # how many arcs of G_d lead to each row
    back = weights_at(rows, ranks + 1, rows, tails) - 1  # -1 where no arc leads back
    both = back >= 0
    reciprocal = _counted([ranks[both], back[both]], into.new_ones(()), depth)
    none = into.new_zeros(0)
    if not deep:
        return _Tables(n, into.T @ into, reciprocal, none, none, none, none, none)
    fed = into.new_zeros(depth * depth, depth)
    fed.index_add_(0, ranks[both] * depth + back[both], into[tails[both]])
    ranked = rows.gather(1, ranks.argsort(dim=1))
    three_heads, cyclic, transitive = (into.new_zeros(depth, depth, depth) for _ in range(3))
    for block in torch.split(torch.arange(n), max(1, _BLOCK // depth**2)):
        some = into[block]
        three_heads += torch.einsum("xd,xe,xf->def", some, some, some)
        # Paths of two arcs, from `start` by a neighbour at place `first` to that one's neighbour at place `second`.
        end = ranked[ranked[block]]
        start = block[:, None, None].expand_as(end)
        first, second = torch.arange(depth)[:, None].expand_as(end), torch.arange(depth).expand_as(end)
        for table, third in (
            (cyclic, weights_at(rows, ranks + 1, end, start) - 1),
            (transitive, weights_at(rows, ranks + 1, start, end) - 1),
        ):
            closed = third >= 0
            table += _counted([first[closed], second[closed], third[closed]], into.new_ones(()), depth)
    return _Tables(
        n,
        into.T @ into,
        reciprocal,
        three_heads,
        fed.view(depth, depth, depth).cumsum(0).cumsum(1),
        torch.stack([into.T @ into[ranked[:, place]] for place in range(depth)]).cumsum(0),
        cyclic,
        transitive,
    )


def _counted(places: list[Tensor], one: Tensor, depth: int) -> Tensor:
    """How many entries have all their places within the first d, e, ...; (depth, depth, ...)."""
    table = one.new_zeros([depth] * len(places))
    table.index_put_(tuple(places), one, accumulate=True)
    for axis in range(len(places)):
        table = table.cumsum(axis)
    return table
