"""Blocks of a study that begins at models: what is compared [[between]] two models, and [[within]] one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

from geomsim.errors import InvalidConfig
from geomsim.preparing.values import checked, choice, text, whole, words
from geomsim.study_config import CHOICES, check_choices, known

Layer = int | str
"""The number of a block for its output and its neurons; the site itself for any other place of the model."""

EITHER = "either"
"""The direction of a method on which it has no influence."""
KEPT, LEFT_OUT = "kept", "left out"
FEATURES, NEURONS = "features", "neurons"
TOKENS, WORDS = "tokens", "words"
_DIRECTIONS = ("left-to-right", "right-to-left")
_DIRECTED = ("max", "one-to-one")
_CORRELATING = {"top": 16, "min_firings": 100, "min_cofirings": 20}
_BETWEEN = (
    "left", "right", "role", "rows", "layers", "methods", "directions", "non_concepts", "units", "pool", "words",
    "min_weight", *_CORRELATING, *CHOICES,
)  # fmt: skip
_WITHIN = (
    "model", "role", "rows", "layers", "groups", "themes", "top", "rule", "shared", "case_sensitive", *CHOICES,
)  # fmt: skip


@dataclass(frozen=True)
class Method:
    """How latents are paired: a method with its parameters."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What the column says.

        >>> Method("hungarian", {"unmatched_at": 0.2}).label
        'hungarian unmatched_at=0.2'
        """
        return " ".join([self.name, *(f"{key}={value}" for key, value in self.parameters.items())])

    @property
    def directed(self) -> bool:
        """Whether the pairs depend on which side chooses."""
        return self.name in _DIRECTED


@dataclass(frozen=True)
class Between:
    """[[between]]: the dictionaries, or neurons, of two models, layer by layer, paired in one or several ways.

    Parameters
    ----------
    place
        which block this is, for errors.
    layers
        "all" couples of layers, those of the "same" number, or a list of couples.
    units, pool, words
        whether rows of codes are tokens or words, and how the tokens of a word are pooled.
    correlating
        top, min_firings and min_cofirings of :func:`geomsim.correlate`.
    choices
        metrics, nulls and so forth in place of the study's own.
    """

    place: str
    left: str
    right: str
    role: str = "cross-model"
    rows: tuple[str, ...] = (FEATURES,)
    layers: Literal["all", "same"] | tuple[tuple[Layer, Layer], ...] = "all"
    methods: tuple[Method, ...] = (Method("mutual"),)
    directions: tuple[str, ...] = ("left-to-right",)
    non_concepts: tuple[str, ...] = (KEPT,)
    units: str = TOKENS
    pool: str = "last"
    words: str = "whitespace"
    min_weight: float | None = None
    correlating: Mapping[str, int] = field(default_factory=lambda: dict(_CORRELATING))
    choices: Mapping[str, Any] = field(default_factory=dict)

    def couples(self, left: Sequence[Layer], right: Sequence[Layer], rows: str) -> list[tuple[Layer, Layer]]:
        """The couples of layers to compare, of those that both sides have."""
        every = list(product(left, right))
        if self.layers == "all":
            return every
        if self.layers == "same":
            found = [couple for couple in every if couple[0] == couple[1]]
            if not found:
                raise InvalidConfig(
                    f"{self.place}: no layer has {rows} on both sides: left {_listed(left)}, right {_listed(right)}"
                )
            return found
        for couple in self.layers:
            for side, layer, there in zip(("left", "right"), couple, (left, right), strict=True):
                if layer not in there:
                    raise InvalidConfig(
                        f"{self.place}: the {side} model has no {rows} at layer {layer!r}; it has {_listed(there)}"
                    )
        return list(self.layers)


@dataclass(frozen=True)
class Within:
    """[[within]]: groups of features of one dictionary against each other, each two once.

    Parameters
    ----------
    groups
        names of themes, None for all of the file.
    themes, options
        a file of themes, by default those that geomsim ships; top, rule, shared, case_sensitive of
        :func:`geomsim.concept_groups.theme_groups`.
    """

    place: str
    model: str
    role: str = "within"
    layers: Literal["all"] | tuple[Layer, ...] = "all"
    groups: tuple[str, ...] | None = None
    themes: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Any] = field(default_factory=dict)


def read_between(item: Any, place: str, models: Sequence[str]) -> Between:
    """A block, checked. Raises InvalidConfig, naming it."""
    table = _table(item, place, _BETWEEN)
    for side in ("left", "right"):
        if side not in table:
            raise InvalidConfig(f"{place} names no {side} model: {side} = one of {', '.join(map(repr, models))}")
    found: dict[str, Any] = {
        side: choice(table[side], models, f"{place}: {side}, the name of a model,") for side in ("left", "right")
    }
    found["role"] = text(table.get("role", "cross-model"), f"{place}: role")
    found["rows"] = words(table.get("rows", FEATURES), (FEATURES, NEURONS), f"{place}: rows")
    found["layers"] = _layers(table.get("layers", "all"), place)
    found["methods"] = _methods(table.get("methods", ["mutual"]), place)
    found["directions"] = words(table.get("directions", _DIRECTIONS[0]), _DIRECTIONS, f"{place}: directions")
    found["non_concepts"] = words(table.get("non_concepts", KEPT), (KEPT, LEFT_OUT), f"{place}: non_concepts")
    found["units"] = choice(table.get("units", TOKENS), (TOKENS, WORDS), f"{place}: units")
    if found["units"] == TOKENS and ("pool" in table or "words" in table):
        raise InvalidConfig(f'{place}: pool and words say how tokens become words: add units = "words"')
    found["pool"] = choice(table.get("pool", "last"), ("last", "max", "mean", "sum"), f"{place}: pool")
    found["words"] = _words(table.get("words", "whitespace"), place)
    weight = table.get("min_weight")
    if weight is not None and (
        isinstance(weight, bool) or not isinstance(weight, int | float) or not -1 <= weight <= 1
    ):
        raise InvalidConfig(f"{place}: min_weight is a correlation between -1 and 1, got {weight!r}")
    found["min_weight"] = weight
    found["correlating"] = {key: whole(table.get(key, usual), f"{place}: {key}") for key, usual in _CORRELATING.items()}
    return Between(place=place, choices=_choices(table, place), **found)


def read_within(item: Any, place: str, models: Sequence[str]) -> Within:
    """A block of groups, checked. Raises InvalidConfig, naming it."""
    table = _table(item, place, _WITHIN)
    if "model" not in table:
        raise InvalidConfig(f"{place} names no model: model = one of {', '.join(map(repr, models))}")
    model = choice(table["model"], models, f"{place}: model")
    words(table.get("rows", FEATURES), (FEATURES,), f"{place}: rows")  # neurons have no top tokens, so no themes
    layers = table.get("layers", "all")
    if layers != "all":
        if not isinstance(layers, list | tuple) or not layers or not all(map(_is_layer, layers)):
            raise InvalidConfig(f'{place}: layers is "all" or a list of layers, got {layers!r}')
        if len(set(layers)) < len(layers):
            raise InvalidConfig(f"{place}: layers names one twice: {list(layers)}")
        layers = tuple(layers)
    groups = table.get("groups")
    if groups is not None:
        listed = list(groups) if isinstance(groups, list | tuple) else []
        if not all(isinstance(name, str) for name in listed) or len(set(listed)) < max(2, len(listed)):
            raise InvalidConfig(f"{place}: groups is a list of at least two names of themes, got {groups!r}")
        groups = tuple(listed)
    options: dict[str, Any] = {}
    if "top" in table:
        options["top"] = whole(table["top"], f"{place}: top")
    if "rule" in table:
        options["rule"] = choice(table["rule"], ("any", "most"), f"{place}: rule")
    for key in ("shared", "case_sensitive"):
        if key in table:
            if not isinstance(table[key], bool):
                raise InvalidConfig(f"{place}: {key} is true or false, got {table[key]!r}")
            options[key] = table[key]
    themes = table.get("themes")
    themes = None if themes is None else text(str(themes) if isinstance(themes, Path) else themes, f"{place}: themes")
    chosen = _choices(table, place)
    for key in ("buckets", "subspaces"):
        if chosen.get(key):
            raise InvalidConfig(f"{place}: {key} are parts of pairs, and groups of one space have none")
    role = text(table.get("role", "within"), f"{place}: role")
    return Within(place, model, role, layers, groups, themes, options, chosen)


def _table(item: Any, place: str, keys: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise InvalidConfig(f"{place} must be a table, got {item!r}")
    known(item, keys, place)
    return item


def _choices(table: Mapping[str, Any], place: str) -> dict[str, Any]:
    found = {key: table[key] for key in CHOICES if key in table}
    checked(lambda: check_choices(found), place)
    return found


def _layers(given: Any, place: str) -> Literal["all", "same"] | tuple[tuple[Layer, Layer], ...]:
    if given in ("all", "same"):
        return "all" if given == "all" else "same"
    several = list(given) if isinstance(given, list | tuple) else []
    wrong = not several or any(
        not isinstance(couple, list | tuple) or len(couple) != 2 or not all(map(_is_layer, couple))
        for couple in several
    )
    if wrong:
        raise InvalidConfig(f'{place}: layers is "all", "same", or couples of layers, [[0, 1], [1, 2]], got {given!r}')
    if len(set(map(tuple, several))) < len(several):
        raise InvalidConfig(f"{place}: layers names a couple twice: {given!r}")
    return tuple((couple[0], couple[1]) for couple in several)


def _is_layer(given: Any) -> bool:
    return isinstance(given, int | str) and not isinstance(given, bool)


def _methods(given: Any, place: str) -> tuple[Method, ...]:
    several = list(given) if isinstance(given, list | tuple) else [given]
    if not several:
        raise InvalidConfig(f"{place}: methods is an empty list")
    found = tuple(_method(each, place) for each in several)
    if len({method.label for method in found}) < len(found):
        raise InvalidConfig(f"{place}: methods names one twice: {given!r}")
    return found


def _method(given: Any, place: str) -> Method:
    from geomsim.activations.matching_methods import matching_method

    table = {"name": given} if isinstance(given, str) else given
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
        raise InvalidConfig(f"{place}: a method is a name or a table with a name, got {given!r}")
    parameters = {key: value for key, value in table.items() if key != "name"}
    checked(lambda: matching_method(table["name"], **parameters), f"{place}: methods")
    return Method(table["name"], parameters)


def _words(given: Any, place: str) -> str:
    from geomsim.activations.words import expression

    checked(lambda: expression(text(given, "words")), place)
    return str(given)


def _listed(layers: Sequence[Layer]) -> str:
    return ", ".join(map(str, layers)) or "none"


_SLUG = re.compile(r"[^\w.=+-]+")


def slug(value: Any) -> str:
    """A value as a part of file names.

    >>> slug("blocks.3/hook out")
    'blocks.3_hook_out'
    """
    return _SLUG.sub("_", str(value))
