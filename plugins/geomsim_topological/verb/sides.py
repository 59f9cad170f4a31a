"""What the paths of `geomsim mapper` stand for, and which rows of two belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geomsim import InapplicableNull, InvalidConfig, InvalidPairing, Pairing, Space, equal_blocks
from geomsim.cli.opening import TextOptions, open_space
from geomsim_topological.verb.side import Side
from geomsim_topological.verb.tokens import are_codes, token_sides

Groups = Literal["blocks", "equal", "ignored"]

DICTIONARIES = (
    "latent i is compared with latent i, and two dictionaries that were trained apart have each an order of its own: "
    "say which belong together with --pairing, a table that `geomsim pair` writes"
)


@dataclass(frozen=True)
class Opening:
    """What is read, and how the rows of two sides belong together.

    Parameters
    ----------
    paths
        one or two.
    pairing
        a table of which rows belong together.
    rows
        the first so many of each side.
    text, part
        the text of codes, and which part of it was read.
    labels
        a file of words for each row, or None, for each side.
    groups
        what becomes of documents.
    device
        where points are put.
    contexts
        whether the text around each token is wanted.
    """

    paths: tuple[Path, ...]
    pairing: Path | None
    rows: int | None
    text: str | None
    part: TextOptions
    labels: tuple[Path | None, Path | None]
    groups: Groups
    device: str = "cpu"
    contexts: bool = False

    def check(self) -> None:
        """Raise InvalidConfig for what is not there, what is out of range, and what would have no effect."""
        for path in (*self.paths, self.pairing, *self.labels):
            if path is not None and not path.exists():
                raise InvalidConfig(f"{path}: no such file or folder")
        if self.rows is not None and self.rows < 1:
            raise InvalidConfig(f"--rows is a whole number of at least 1, got {self.rows}")
        codes = [path for path in self.paths if are_codes(path)]
        if self.text is not None and not codes:
            raise InvalidConfig(
                f"--text gives the tokens of codes, and {self.paths[0]} holds none: name its rows by --labels"
            )
        if self.text is not None and any(self.labels):
            raise InvalidConfig("nodes are named by --text or by --labels: leave out one of them")
        if len(self.paths) == 1 and self.pairing is not None:
            raise InvalidConfig(f"--pairing pairs the rows of two sides, and {self.paths[0]} is given alone: name both")
        if self.labels[1] is not None and self.pairing is None:
            raise InvalidConfig(
                "--right-labels is for two sides that --pairing joins; where row i belongs to row i, --labels names "
                "the rows of both"
            )
        if self.pairing is not None and codes:
            raise InvalidConfig(
                f"--pairing pairs rows of points; the rows of {codes[0]} are tokens, joined by the text"
            )

    def sides(self) -> tuple[list[Side], list[str]]:
        """The sides, row i of one belonging to row i of the other, and what a reader must know.

        Raises InvalidPairing where the rows do not say how they belong together, InapplicableNull for documents that
        cannot change places, InvalidConfig for labels that are not one to a row, and what opening raises.
        """
        notes = []
        if all(map(are_codes, self.paths)):
            sides, left_out = token_sides(list(self.paths), self.text, self.part, self.rows, self.contexts)
            notes += [f"tokens left out, as the other side has none like them: {left_out}"] if left_out else []
        else:
            sides = [self._one(path) for path in self.paths]
        for number, (path, file) in enumerate(zip(self.paths, self._files(), strict=False)):
            if file is not None:
                sides[number] = _labelled(sides[number], path, file, self.rows)
        if len(sides) == 2:
            if self.pairing is None and all(path.is_dir() and not are_codes(path) for path in self.paths):
                notes.append(DICTIONARIES)
            sides = list(_joined(sides[0], sides[1], self.paths, self.pairing))
            return self._documents(sides, notes)
        return sides, notes

    def blocks(self, sides: Sequence[Side]) -> NDArray[np.int64] | None:
        """The document of each row, where documents are shuffled whole."""
        return None if self.groups == "ignored" else _documents_of(sides[0].space)

    def _one(self, path: Path) -> Side:
        if are_codes(path):
            return token_sides([path], self.text, self.part, self.rows, self.contexts)[0][0]
        return Side(open_space(path, self.device)).head(self.rows)

    def _files(self) -> tuple[Path | None, Path | None]:
        left, right = self.labels
        return left, (right if self.pairing is not None else left)

    def _documents(self, sides: list[Side], notes: list[str]) -> tuple[list[Side], list[str]]:
        documents = _documents_of(sides[0].space)
        if documents is None or self.groups == "ignored":
            return sides, notes
        if self.groups == "equal":
            rows = equal_blocks(documents)
            length = int((documents[rows] == documents[rows[0]]).sum())
            notes.append(
                f"{len(rows)} of {len(documents)} rows are kept: {len(rows) // length} documents, {length} rows each"
            )
            return [side.take(rows) for side in sides], notes
        sizes = np.unique(documents, return_counts=True)[1]
        alike, times = np.unique(sizes, return_counts=True)
        staying = int(alike[times == 1].sum())
        if staying > len(documents) / 2:
            raise InapplicableNull(
                f"{self.paths[0]}: {staying} of {len(documents)} rows are in documents of a length that no other has, "
                "and only documents of one length can change places. --groups equal cuts them to one length; --groups "
                "ignored shuffles row by row, which makes p too small where rows that follow each other are alike"
            )
        return sides, notes


def _documents_of(space: Space) -> NDArray[np.int64] | None:
    if space.groups is None:
        return None
    return np.asarray(np.unique(np.asarray(space.groups), return_inverse=True)[1], dtype=np.int64).ravel()


def _labelled(side: Side, path: Path, file: Path, rows: int | None) -> Side:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()[:rows]
    except (UnicodeDecodeError, IsADirectoryError):
        raise InvalidConfig(f"{file} is no text in UTF-8: give a line of text for each row of {path}") from None
    if len(lines) != side.space.n_rows:
        raise InvalidConfig(
            f"{file} has {len(lines)} lines, and {path} has {side.space.n_rows} rows: give a line of text for each"
        )
    return replace(side, labels=[line.split() for line in lines])


def _joined(left: Side, right: Side, paths: Sequence[Path], pairing: Path | None) -> tuple[Side, Side]:
    if pairing is None:
        if left.space.n_rows != right.space.n_rows:
            raise InvalidPairing(
                f"{paths[0]} has {left.space.n_rows} rows and {paths[1]} has {right.space.n_rows}: say which belong "
                "together with --pairing, a table that `geomsim pair` writes, or, if the first rows do, take as many "
                "of both with --rows"
            )
        return left, right
    pairs = Pairing.open(pairing)
    pairs.apply(left.space, right.space)  # says what is wrong with pairs that point outside
    return left.take(pairs.left), right.take(pairs.right)
