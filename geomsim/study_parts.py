"""What a study compares within one pair of spaces: all pairs, those of a theme, those of a multiplicity."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.errors import GeomsimError, InvalidConfig
from geomsim.pairing import Pairing
from geomsim.row_groups import group_of
from geomsim.space import Space

if TYPE_CHECKING:
    from geomsim.subspaces import Subspace, Theme

ALL = "all"


@dataclass(frozen=True, eq=False)
class GroupRows:
    """The rows of two groups of one space, which are compared with each other, and those of random groups: the pool."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    pool: NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Some of the pairs: a subspace or a bucket, or all of them; `empty` says why there is nothing to compare.

    With `groups` the part is no set of pairs but two groups of rows of the left space.
    """

    subspace: str = ALL
    bucket: str = ALL
    subset: ArrayLike | None = None
    empty: str | None = None
    groups: GroupRows | None = None

    @property
    def is_whole(self) -> bool:
        """Whether these are all pairs."""
        return self.subset is None


def parts_of(
    item: Mapping[str, Any], left: Space, right: Space, pairing: Pairing | None, config: Mapping[str, Any], base: Path
) -> Iterator[Part]:
    """All pairs first, then themes in the order of their file, named subsets, then buckets of multiplicity.

    Raises InvalidConfig, and what themes and top tokens raise.
    """
    if "within" in item:
        yield _groups(item["within"], left)
        return
    yield Part()
    pairs = pairing
    if pairs is None and left.n_rows == right.n_rows:
        pairs = Pairing.identity(left.n_rows)
    subspaces = config.get("subspaces")
    if subspaces is not None and subspaces is not False:
        if pairs is None:
            raise InvalidConfig("subspaces are sets of pairs, and these sides of unequal length have no pairing")
        yield from _themes(item, pairs, subspaces, base)
    subsets = item.get("subsets") or {}
    if not isinstance(subsets, Mapping):
        raise InvalidConfig(f"subsets are a table of names and pair numbers, got {type(subsets).__name__}")
    for name, subset in subsets.items():
        _check_name(name)
        try:
            chosen = np.asarray(subset)
        except ValueError as error:
            raise InvalidConfig(f"subset {name!r} is no list of pair numbers: {error}") from None
        empty = not (chosen.any() if chosen.dtype == bool else chosen.size)
        yield Part(subspace=str(name), subset=chosen, empty=f"{name}: empty, none of the pairs" if empty else None)
    if config.get("buckets"):
        if pairing is None:
            raise InvalidConfig("buckets count in how many pairs a row stands, which needs a pairing")
        for name, numbers in pairing.buckets().items():
            none = None if len(numbers) else f"bucket {name}: empty, none of {len(pairing)} pairs"
            yield Part(bucket=name, subset=numbers, empty=none)


def _groups(given: Mapping[str, Any], space: Space) -> Part:
    """Two groups of rows of one space; an empty one is an answer."""
    empty = [side for side in ("left", "right") if not len(given[side])]
    if empty:
        return Part(empty=f"empty: no row is in the {' and the '.join(empty)} group")
    rows = [group_of(space, given[side], name=side).rows for side in ("left", "right")]
    pool = np.arange(space.n_rows)
    if given.get("pool") is not None:
        pool = np.sort(group_of(space, given["pool"], name="pool").rows)
        if len(outside := np.setdiff1d(np.concatenate(rows), pool)):
            raise InvalidConfig(f"the pool of random groups lacks row {outside[0]}, which is in a group")
    return Part(groups=GroupRows(rows[0], rows[1], pool))


def themes_of(options: Mapping[str, Any], base: Path) -> dict[str, Theme]:
    """The themes of [subspaces] by name, in their order; InvalidConfig for one that is not there."""
    from geomsim.subspaces import read_themes

    source = options.get("themes")
    # The folder that paths are relative to may be reached by a link, and need not be there yet.
    themes = read_themes(None if source is None else os.path.normpath(base.resolve() / source))
    for name in themes:
        _check_name(name)
    only = options.get("only")
    if only is None:
        return themes
    if isinstance(only, str) or not isinstance(only, list | tuple):
        raise InvalidConfig(f"only is a list of themes, got {only!r}; write [{only!r}]")
    for name in only:
        if not isinstance(name, str) or name not in themes:
            raise InvalidConfig(f"there is no theme {name!r}; the file has {', '.join(themes)}")
    return {name: themes[name] for name in only}


def check_subspaces(options: Mapping[str, Any], base: Path) -> None:
    """Raises InvalidConfig for themes, and for ways to match them, that do not exist."""
    _subspaces([["a"]], [["a"]], Pairing([0], [0]), options, base)


def _themes(item: Mapping[str, Any], pairs: Pairing, options: Mapping[str, Any], base: Path) -> Iterator[Part]:
    tokens = [_strings(item[f"{side}_tokens"], base) for side in ("left", "right")]
    for found in _subspaces(tokens[0], tokens[1], pairs, options, base):
        yield Part(subspace=found.name, subset=found.rows, empty=found.describe() if found.is_empty else None)


def _subspaces(
    left: list[list[str]], right: list[list[str]], pairs: Pairing, options: Mapping[str, Any], base: Path
) -> list[Subspace]:
    from geomsim.subspaces import pair_subspaces

    how = {name: options[name] for name in ("top", "rule", "side", "case_sensitive") if name in options}
    return pair_subspaces(left, right, pairs, themes_of(options, base), **how)


def _check_name(name: Any) -> None:
    if name == ALL:
        raise InvalidConfig(f"{ALL!r} names all pairs in the results; call the theme or subset something else")


def _strings(tokens: Any, base: Path) -> list[list[str]]:
    """Top tokens by latent: a file that `save_top_tokens` wrote, what it wrote from, or plain lists."""
    from geomsim.activations.latent_tokens import TopTokens, read_top_tokens

    if isinstance(tokens, str | Path):
        tokens = read_top_tokens(base / tokens)
    if isinstance(tokens, TopTokens):
        return tokens.strings
    try:
        return [list(map(str, strings)) for strings in tokens]
    except TypeError as error:
        raise GeomsimError(f"top tokens are a file or one list of strings per latent: {error}") from None
