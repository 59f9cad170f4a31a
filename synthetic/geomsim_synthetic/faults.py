"""Which faults a dictionary has: features that it splits, merges, absorbs or has twice, and rows that never fire.

The network is left as it is; what changes is how its dictionary writes the same activations down.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from geomsim_synthetic.checks import number, whole
from geomsim_synthetic.plain import keep_plain


@dataclass(frozen=True)
class Faults:
    """How many shared features of one network suffer which fault in its dictionary.

    Parameters
    ----------
    split
        features written by two rows: each firing goes to one of them, at random and with equal chances.
    merged
        pairs of features written by one row, which fires when either does; its direction is between theirs.
    absorbed
        parents of a `Hierarchy` that do not fire on tokens where one child of theirs does: the child's row has taken
        over their direction (Chanin et al. 2024, "A is for absorption").
    duplicated
        features written by two equal rows, each with half of the magnitude.
    dead
        rows that never fire, with random directions.
    split_turn
        the rows of a split feature are turned by arctan of this, each to a random side.

    Raises
    ------
    InvalidConfig
        on a number that is negative or not whole.
    """

    split: int = 0
    merged: int = 0
    absorbed: int = 0
    duplicated: int = 0
    dead: int = 0
    split_turn: float = 0.0

    def __post_init__(self) -> None:
        keep_plain(self)
        for each in fields(self)[:-1]:
            whole(each.name, getattr(self, each.name), 0)
        number("split_turn", self.split_turn)

    @property
    def n_plain(self) -> int:
        """How many features without a law of their own are needed."""
        return self.split + 2 * self.merged + self.duplicated
