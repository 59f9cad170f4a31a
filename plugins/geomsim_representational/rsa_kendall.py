"""Kendall's rank correlation (tau-b) of the dissimilarities of both sides, for many orders at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from geomsim_representational.dissimilarity import Dissimilarities
from geomsim_representational.rsa_profiles import Profile

_BUFFER = 1 << 17  # numbers in a buffer: several orders at a time where pairs are few, and the cache holds them


@dataclass(frozen=True)
class KendallProfile(Profile):
    r"""Ranks of all pairs of rows.

    .. math:: \tau_b = \frac{\sum_{p<q} \operatorname{sign}(x_p - x_q) \operatorname{sign}(y_p - y_q)}
       {\sqrt{u\, u'}}

    over pairs p, q of pairs of rows, u and u' the counts of those that are not tied left and right. With m pairs of
    rows, the sum is m (m - 1) / 2 less those tied on a side and less twice the discordant ones. With the pairs of rows
    sorted by left ranks, those are the inversions of the right ranks (Knight 1966, "A computer method for calculating
    Kendall's tau with ungrouped data", JASA). They are counted bit by bit: two ranks are inverted if at the first bit
    in which they differ the earlier one has a 1. O(m log m) for each order.
    """

    groups: Tensor  # (rows, rows), int32, symmetric: ranks from 0, equal where tied; 0 on the diagonal
    sizes: Tensor  # (groups,), how many pairs have each rank
    first: Tensor  # (pairs,), the smaller row of each pair, pairs by rising rank
    second: Tensor  # (pairs,), the larger row

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.groups)

    @property
    def tied_share(self) -> float:
        """Of pairs whose dissimilarity another pair has too."""
        return float(self.sizes[self.sizes > 1].sum()) / len(self.first)

    @property
    def tied(self) -> int:
        """How many pairs of pairs are tied."""
        return int((self.sizes * (self.sizes - 1)).sum()) // 2

    def scores(self, right: KendallProfile, orders: Tensor) -> Tensor:
        """Right ranks by rising left ranks, and their inversions."""
        pairs, n_rows = len(self.first), self.rows
        both = pairs * (pairs - 1) // 2
        scale = ((both - self.tied) * (both - right.tied)) ** -0.5
        flat = right.groups.view(-1)
        moved = flat.new_empty(len(orders), pairs)
        for order, ranks in zip(orders, moved, strict=True):
            place = order.index_select(0, self.first) * n_rows + order.index_select(0, self.second)
            torch.index_select(flat, 0, place, out=ranks)
        tied = self._rise_within_ties(moved, len(right.sizes))
        sums = both - self.tied - right.tied + tied - 2 * inversions(moved, right.sizes)
        found: Tensor = sums.double() * scale
        return found

    def bytes_per_order(self, right: KendallProfile) -> int:
        """The right ranks; beside them, a few numbers for each pair of rows once per batch."""
        return 4 * len(self.first)

    def _rise_within_ties(self, moved: Tensor, right_groups: int) -> Tensor:
        """Sort the ranks within the ties of this side, as ties are no inversions; how many are tied on both sides."""
        tied = self.sizes.new_zeros(len(moved))
        if self.tied:
            own = torch.repeat_interleave(torch.arange(len(self.sizes), device=moved.device), self.sizes) * right_groups
            for draw, ranks in enumerate(moved):
                keys = (own + ranks).sort().values
                counts = torch.unique_consecutive(keys, return_counts=True)[1]
                tied[draw] = (counts * (counts - 1)).sum() // 2
                ranks.copy_(keys - own)
        return tied


def kendall_profile(found: Dissimilarities) -> KendallProfile:
    """Ranks of the dissimilarities, and the pairs of rows in their order."""
    group, sizes = found.tie_groups()
    above = torch.triu_indices(found.rows, found.rows, 1, device=group.device)[:, group.argsort(stable=True)]
    return KendallProfile(found.matrix(group.int()), sizes, above[0], above[1])


def inversions(ranks: Tensor, sizes: Tensor) -> Tensor:
    """How many pairs of entries of each row of `ranks` (draws, entries) fall, (draws,); the rows come back sorted.

    Every row holds each rank r = 0, 1, ... just ``sizes[r]`` times. From the highest bit down, entries stand sorted by
    the bits above and otherwise as they came; where such a group begins is the same in every row.
    """
    draws, entries = ranks.shape
    count = sizes.new_zeros(draws)
    rising = torch.repeat_interleave(torch.arange(len(sizes), dtype=ranks.dtype, device=ranks.device), sizes)
    place = torch.arange(entries, dtype=ranks.dtype, device=ranks.device)
    together = max(1, _BUFFER // entries)
    for bit in reversed(range((len(sizes) - 1).bit_length())):
        group = rising >> (bit + 1)
        start = torch.searchsorted(group, group, out_int32=True)
        ones = (rising >> bit) & 1
        before = (ones.cumsum(0, dtype=ranks.dtype) - ones)[start.long()]
        # Where the zeros of the group end, and how far an entry is from there.
        jump = torch.searchsorted(rising, (2 * group + 1) << bit, out_int32=True) - place
        for first in range(0, draws, together):
            some = ranks[first : first + together]
            here = (some >> bit) & 1
            above = here.cumsum(1, dtype=ranks.dtype)
            above -= here
            above -= before  # entries of the group with a 1 at this bit that stand before
            count[first : first + together] += above.sum(1) - (above * here).sum(1)
            # Zeros move up by the ones before them; ones go behind all zeros.
            target = place - above + here * (jump + 2 * above)
            ranks[first : first + together] = torch.empty_like(some).scatter_(1, target.long(), some)
    return count
