"""The linked maps of a report: each space once, however many pairs use it, and the pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from geomsim.errors import GeomsimError
from geomsim.pairing import Pairing
from geomsim.progress import track
from geomsim.report.page.contents import SpacePair, SpaceRows
from geomsim.report.views import source
from geomsim.report.views.pairs import space_pair
from geomsim.report.views.spaces import space_rows
from geomsim.report.views.stored import Layouts
from geomsim.space import Space

_SIDES = ("left", "right")


class MapViews(NamedTuple):
    """Spaces, a pair for each entry of the configuration, and what is not shown."""

    spaces: list[SpaceRows]
    pairs: list[SpacePair]
    notes: list[str]


@dataclass(eq=False)
class _Use:
    """A space that pairs use: what stands for it, tables of its rows, and its pairs, strongest first."""

    given: Any
    place: int
    missing: str
    tables: dict[str, Any] = field(default_factory=dict)
    rows: list[np.ndarray[Any, Any]] = field(default_factory=list)
    weights: list[np.ndarray[Any, Any]] = field(default_factory=list)

    def by_importance(self) -> list[int]:
        """Rows of the strongest pairs first, over all pairings; rows in no pair are left out."""
        if not self.rows:
            return []
        rows, weights = np.concatenate(self.rows), np.concatenate(self.weights)
        ordered = rows[np.argsort(-weights, kind="stable")]
        return list(dict.fromkeys(ordered.tolist()))


def map_views(
    items: Sequence[Mapping[str, Any]],
    base: Path,
    layouts: Layouts | None = None,
    seed: int = 0,
    compared: Mapping[str, str] | None = None,
) -> MapViews:
    """The maps of all pairs of a study's configuration.

    Points are held one space at a time. A file that is gone makes a note, and a space without places (and without
    rows); a pairing that is gone, a pair without links.

    Parameters
    ----------
    items
        the pairs of the configuration.
    base
        the folder that their paths are relative to.
    layouts
        where layouts are kept; by default nowhere.
    seed
        of layouts and clusters.
    compared
        by path as the configuration names it, the digest of the points that were compared; other points make a note.

    Returns
    -------
    Spaces in the order of their first use, a pair for each item in their order, and notes.

    Raises GeomsimError where a file that is there cannot be read or does not fit, naming the pair.
    """
    layouts = Layouts() if layouts is None else layouts
    notes: list[str] = []
    uses: dict[Any, _Use] = {}
    pairings: dict[Any, Pairing] = {}
    named = [_named(number, item) for number, item in enumerate(items)]
    for where, item in zip(named, items, strict=True):
        pairing = _pairing(where, item, base, pairings, notes)
        for side in _SIDES:
            use = uses.setdefault(_key(item[side], base), _Use(item[side], len(uses), source.gone(item[side], base)))
            if use.missing:
                told = f"{where}: {use.missing}, so there is no map of its {side} side"
                # A group is a side of many couples, and what is true of it in one is true in all.
                notes.append(f"{use.missing}, so there is no map of it" if f"{side}_group" in item else told)
            _note_tables(where, item, side, use, base, notes)
            if pairing is not None:
                rows = getattr(pairing, side)
                use.rows.append(rows)
                use.weights.append(np.zeros(len(rows)) if pairing.weight is None else pairing.weight)
    spaces: list[SpaceRows] = []
    with track(len(uses), "maps") as advance:
        for key, use in uses.items():
            where = _where(key, items, named, base)
            spaces.append(_space(use, where, base, layouts, seed, notes, spaces, compared or {}))
            advance(1)
    pairs = []
    for where, item in zip(named, items, strict=True):
        left, right = (uses[_key(item[side], base)] for side in _SIDES)
        pairing = pairings.get(_key(item.get("pairing"), base))
        if left.missing or right.missing:
            name = source.labels_in_words(item) or f"{spaces[left.place].name} and {spaces[right.place].name}"
            pairs.append(SpacePair(name, left.place, right.place, source.labels_of(item)))
            continue
        unlike = spaces[left.place].n_rows != spaces[right.place].n_rows
        if pairing is None and item.get("pairing") is None and _are_groups(item, left, right):
            notes.append("Groups without a correspondence have no links: no row belongs to a row of another group")
        elif pairing is None and item.get("pairing") is None and unlike:
            notes.append(f"{where}: no rows belong together, since the sides have no pairing and differ in rows")
        pairs.append(_pair(where, item, left, right, spaces, pairing))
    return MapViews(spaces, pairs, [*dict.fromkeys(notes), *layouts.notes])


def _are_groups(item: Mapping[str, Any], left: _Use, right: _Use) -> bool:
    """Whether both sides are groups of one space, whose rows belong together only where a pairing says so."""
    return all(f"{side}_group" in item for side in _SIDES) and left is not right


def _named(number: int, item: Mapping[str, Any]) -> str:
    labels = source.labels_in_words(item)
    return f"pair {number + 1}" + (f" ({labels})" if labels else "")


def _key(given: Any, base: Path) -> Any:
    """Tells files and objects of one study apart."""
    return str((base / given).absolute()) if isinstance(given, str | Path) else id(given)


def _where(key: Any, items: Sequence[Mapping[str, Any]], named: Sequence[str], base: Path) -> str:
    """The first pair that uses a space, and as which side."""
    return next(
        f"{where}, {side}"
        for where, item in zip(named, items, strict=True)
        for side in _SIDES
        if _key(item[side], base) == key
    )


def _pairing(
    where: str, item: Mapping[str, Any], base: Path, known: dict[Any, Pairing], notes: list[str]
) -> Pairing | None:
    given = item.get("pairing")
    if given is None:
        return None
    if why := source.gone(given, base):
        notes.append(f"{where}: {why}, so the maps have no links")
        return None
    key = _key(given, base)
    if key not in known:
        try:
            opened = source.opened_pairing(given, base)
        except GeomsimError as error:
            raise error.within(where) from None
        assert opened is not None
        known[key] = opened
    return known[key]


def _note_tables(where: str, item: Mapping[str, Any], side: str, use: _Use, base: Path, notes: list[str]) -> None:
    """Remember the tokens and contexts that a pair names for a space; those of the first pair that names some."""
    for what in ("tokens", "contexts"):
        given = item.get(f"{side}_{what}")
        if given is None:
            continue
        if why := source.gone(given, base):
            notes.append(f"{where}: {why}, so the {side} side has no {what}")
        elif _key(use.tables.setdefault(what, given), base) != _key(given, base):
            notes.append(f"{where}: names other {what} of its {side} side than a pair before it; those are shown")


def _space(
    use: _Use,
    where: str,
    base: Path,
    layouts: Layouts,
    seed: int,
    notes: list[str],
    before: Sequence[SpaceRows],
    compared: Mapping[str, str],
) -> SpaceRows:
    taken = {space.name for space in before}
    if use.missing:
        return SpaceRows(_unlike(_called(use, None), use, taken), 0)
    try:
        space = source.opened_space(use.given, base)
        if compared.get(str(use.given), found := space.provenance.get("points")) != found:
            notes.append(
                f"{where}: {use.given} has changed since it was compared; the map shows it as it is now, the scores "
                "are of what it was. Run the study again"
            )
        tokens = source.opened_tokens(use.tables.get("tokens"), base)
        contexts = source.opened_contexts(use.tables.get("contexts"), base)
        rows = space_rows(
            space,
            _unlike(_called(use, space), use, taken),
            row_word(space, has_tokens=tokens is not None or contexts is not None),
            layouts.of(space, seed),
            tokens,
            contexts,
            contexts_for=use.by_importance(),
            seed=seed,
        )
    except GeomsimError as error:
        raise error.within(where) from None
    if contexts is not None and rows.contexts is not None:
        active = len(contexts) - contexts.silent
        if len(rows.contexts) < active:
            notes.append(
                f"{rows.name}: {len(rows.contexts):,} of {active:,} {rows.what}s have their text in this file, "
                "those in the strongest pairs first"
            )
    return rows


def row_word(space: Space, *, has_tokens: bool = False) -> str:
    """What one row of a space is: latent, neuron, or row where nothing tells.

    >>> row_word(Space([[1.0], [2.0]], ids=["small/residual:1/latent 0", "small/residual:1/latent 1"]))
    'latent'
    """
    first = "" if space.ids is None else space.ids[0]
    if "neurons:" in first or "neuron " in first:
        return "neuron"
    return "latent" if has_tokens or "latent " in first or "dictionary" in space.provenance else "row"


def _called(use: _Use, space: Space | None) -> str:
    own = "" if space is None else space.name
    if use.missing and source.is_empty_group(use.given):
        return use.missing.removesuffix(source.NO_ROWS)
    path = str(use.given) if isinstance(use.given, str | Path) else ""
    return own or path or f"space {use.place + 1}"


def _unlike(name: str, use: _Use, taken: set[str]) -> str:
    """The name, with what tells it from others of that name."""
    if name in taken and isinstance(use.given, str | Path):
        name = f"{name} ({use.given})"
    return f"{name} ({use.place + 1})" if name in taken else name


def _pair(
    where: str,
    item: Mapping[str, Any],
    left: _Use,
    right: _Use,
    spaces: Sequence[SpaceRows],
    pairing: Pairing | None,
) -> SpacePair:
    sides = spaces[left.place], spaces[right.place]
    name = source.labels_in_words(item) or f"{sides[0].name} and {sides[1].name}"
    try:
        by_row = not _are_groups(item, left, right)
        return space_pair(name, source.labels_of(item), left.place, right.place, *sides, pairing, by_row=by_row)
    except GeomsimError as error:
        raise error.within(where) from None
