"""What a plugin is asked to show of two spaces, and what it answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from geomsim.errors import InvalidPairing
from geomsim.report.page.contents import DiagramView, GraphPair
from geomsim.space import Space

Tokens = Sequence[Sequence[str]]


@dataclass(frozen=True, eq=False)
class ViewRequest:
    """Two spaces to be shown, row i of the left one belonging to row i of the right one.

    Raises InvalidPairing for sides of different lengths, and for tokens that are not a list for each row.
    """

    name: str
    """Of the two together, as a reader knows them."""
    left: Space
    right: Space
    pair: int | None = None
    """The place of the pair of spaces whose links these rows are, in the report's pairs."""
    left_tokens: Tokens | None = None
    """The top tokens of each row, strongest first."""
    right_tokens: Tokens | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check that the parts fit each other."""
        n = self.left.n_rows
        if self.right.n_rows != n:
            raise InvalidPairing(
                f"{self.name}: {n} left rows and {self.right.n_rows} right rows are shown together: take the rows of "
                "both that the pairing names"
            )
        for side, tokens in (("left", self.left_tokens), ("right", self.right_tokens)):
            if tokens is not None and len(tokens) != n:
                raise InvalidPairing(f"{self.name}: {len(tokens)} lists of {side} tokens for {n} rows")


@dataclass(frozen=True, eq=False)
class Views:
    """What is shown: graphs, persistence diagrams, and notes that say what is not and what to do about it."""

    graphs: list[GraphPair] = field(default_factory=list)
    diagrams: list[DiagramView] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __add__(self, other: Views) -> Views:
        return Views(self.graphs + other.graphs, self.diagrams + other.diagrams, self.notes + other.notes)
