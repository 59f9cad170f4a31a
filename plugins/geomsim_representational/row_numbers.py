"""Row numbers for the text of a message."""

from __future__ import annotations

from torch import Tensor


def numbers_of(bad: Tensor, most: int = 5) -> str:
    """The numbers of the rows that `bad` (rows,) marks, the first `most` of them; empty where it marks none.

    >>> import torch
    >>> numbers_of(torch.tensor([False, True, True]))
    'row numbers 1, 2'
    """
    rows = bad.nonzero().flatten().tolist()
    return f"row numbers {', '.join(map(str, rows[:most]))}{', ...' if len(rows) > most else ''}" if rows else ""
