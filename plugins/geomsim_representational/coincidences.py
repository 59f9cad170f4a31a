"""Means of powers over all orders of the rows, by the ways in which row numbers coincide.

Let a score be the sum over row numbers i, j of a_ij b_kl, where the order takes i, j to k, l. Its m-th power is a sum
over 2 m row numbers, and splits by which of them coincide. Over *distinct* row numbers an order acts on each alike, so
the mean of a product of sums is their product over the count n! / (n - d)! of d distinct numbers. Sums over distinct
numbers follow from sums over all row numbers, the invariants of a side, by inclusion and exclusion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import permutations
from math import factorial, perm, prod
from typing import Any, TypeVar

from torch import Tensor

Graph = tuple[Any, ...]
"""Names the sum over all row numbers of a product of entries."""
Number = TypeVar("Number", float, Fraction, Tensor)


def mean_power(
    power: int,
    graph: Callable[[Sequence[int]], Graph | None],
    left: Callable[[Any], Number],
    right: Callable[[Any], Number],
    n_rows: int,
    zero: Number,
) -> Number:
    """Mean over all orders of the score to the `power`.

    `graph` names the product of entries a[labels 0, 1] a[labels 2, 3] ...; None where it sums to 0. `left` and `right`
    give the sums of these names; `zero` is 0 in the kind of number they give. The entries of a product may differ, as
    long as it is summed over their order in the end: one order is met for all.
    """
    total = zero
    for (distinct, weights), times in _distinct_sums(power, graph).items():
        if distinct <= n_rows:
            sums = [sum((weight * side(name) for name, weight in weights), start=zero) for side in (left, right)]
            ways = perm(n_rows, distinct)
            total = total + times * sums[0] * sums[1] / (ways if isinstance(zero, Fraction) else float(ways))
    return total


@cache
def _distinct_sums(
    power: int, graph: Callable[[Sequence[int]], Graph | None]
) -> Counter[tuple[int, tuple[tuple[Graph, int], ...]]]:
    """For each way in which 2 x power row numbers coincide: how many differ, and their sum by invariants; with counts.

    The sum over distinct numbers is that over all coarser coincidences, each weighted with the Möbius function of the
    lattice of partitions, the product over merged blocks of (-1)^(m-1) (m-1)!.
    """
    found: Counter[tuple[int, tuple[tuple[Graph, int], ...]]] = Counter()
    for labels, times in Counter(map(_arranged, _partitions(2 * power))).items():
        distinct = max(labels) + 1
        weights: Counter[Graph] = Counter()
        for merged in _partitions(distinct):
            name = graph([merged[label] for label in labels])
            if name is not None:
                weights[name] += prod((-1) ** (m - 1) * factorial(m - 1) for m in Counter(merged).values())
        if weights:
            found[distinct, tuple(sorted(weights.items()))] += times
    return found


def _arranged(labels: tuple[int, ...]) -> tuple[int, ...]:
    """The same coincidences with the entries in the order whose labels, numbered as they appear, are smallest."""
    found = []
    for entries in permutations(zip(labels[::2], labels[1::2], strict=True)):
        numbers: dict[int, int] = {}
        found.append(tuple(numbers.setdefault(label, len(numbers)) for entry in entries for label in entry))
    return min(found)


def _partitions(size: int) -> Iterator[tuple[int, ...]]:
    """All partitions of `size` things, as the block number of each, blocks numbered as they appear."""
    if not size:
        yield ()
        return
    for head in _partitions(size - 1):
        for block in range(max(head, default=-1) + 2):
            yield (*head, block)
