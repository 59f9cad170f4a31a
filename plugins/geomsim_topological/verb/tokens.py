"""Codes as points: a row for each token, a column for each latent that is active on any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from geomsim import Codes, InvalidConfig, Space
from geomsim.activations import align
from geomsim.activations.token_texts import token_strings
from geomsim.cli.opening import TextOptions, open_text
from geomsim_topological.verb.side import Side
from geomsim_topological.verb.token_contexts import token_contexts

_MOST_BYTES = 4 << 30


def are_codes(path: Path) -> bool:
    """Whether a folder of codes lies there."""
    return (path / "manifest.json").exists()


def token_sides(
    paths: list[Path], text: str | None, part: TextOptions, rows: int | None, contexts: bool = False
) -> tuple[list[Side], dict[str, int]]:
    """The tokens of one codes, or those that two codes have in common, and how many of either were left out.

    With `contexts`, and a text, also what stands around each token on both sides.

    Raises InvalidCodes for codes over different texts, or another text than they were read on, and InvalidConfig for
    more numbers than fit.
    """
    found, left_out = [Codes.open(path) for path in paths], {}
    if len(found) == 2:
        aligned = align(found[0], found[1])
        found, left_out = [aligned.left, aligned.right], {name: n for name, n in aligned.left_out.items() if n}
    words, documents = None, []
    if text is not None:
        documents = list(open_text(text, part))
        words = [[token] for token in token_strings(found[0], documents)][:rows]
    sides = [_side(codes, path, words, rows) for codes, path in zip(found, paths, strict=True)]
    if contexts and text is not None:
        sides = [
            replace(side, contexts=token_contexts(codes, documents)[:rows])
            for side, codes in zip(sides, found, strict=True)
        ]
    return sides, left_out


def _side(codes: Codes, path: Path, words: list[list[str]] | None, rows: int | None) -> Side:
    if rows is not None and rows < codes.n_tokens:
        codes = codes.take(np.arange(rows))
    active = np.flatnonzero(codes.firings())
    if not len(active):
        raise InvalidConfig(f"{path}: no latent is active on any of the {codes.n_tokens} tokens, so they are no points")
    size = 4 * codes.n_tokens * len(active)
    if size > _MOST_BYTES:
        fitting = int(codes.n_tokens * _MOST_BYTES / size)
        raise InvalidConfig(
            f"{path}: {codes.n_tokens} tokens of {len(active)} active latents are {size / 2**30:.1f} GiB as points, "
            f"more than {_MOST_BYTES / 2**30:.3g} GiB: --rows {fitting} would do"
        )
    matrix = codes.matrix[:, active]
    points = np.asarray(matrix.toarray() if codes.is_sparse else matrix, dtype=np.float32)
    space = Space(points, groups=codes.groups, name=codes.name or path.name, provenance={"codes": str(path)})
    return Side(space, words)
