"""A published recipe as TOML: the text, the two models, how the paper computed, and what it claims.

::

    title = "Feature universality"
    source = "Lan et al. 2024, arXiv 2410.06981"
    seed = 0
    alpha = 0.05
    shifts = 199                     # of the documents: how high the best correlation is by chance

    [text]
    standard_library = "held-out"    # or path = "corpus/" with pattern = "**/*.txt"
    every = 3                        # each third document

    [left]                           # the same for [right]; paths are relative to the file
    model = "../code_models/left"
    dictionary = "../code_models/left/saes/layer_{layer}"
    embedding = "drop"               # the module whose output is the input of block 0; found where not given

    [published]                      # how the paper computed; see geomsim_audit.procedure.Procedure
    layer = "input"
    pairing = "first-seen"
    min_r = 0.1
    metric = "svcca-of-one-component"

    [corrected]                      # optional: other corrections than the usual ones

    [[claims]]
    name = "last layers"
    sentence = "Paired features of the last layers are arranged alike."
    layers = [1, 2]                  # left and right
    theme = "code"                   # optional: pairs of one of geomsim's themes alone
    quantity = "geometry"            # or "share": the share of left latents with a partner
    at_least = 0.9                   # optional: the smallest effect with which the sentence is still true
    reported = 0.36                  # optional: the paper's number
    published = { metric = "rsa" }   # optional: what differs for this claim; the same for corrected

    [synthetic]                      # optional: the same where the truth is known
    worlds = 50
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import ceil, isfinite
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

import geomsim
from geomsim import InvalidConfig
from geomsim_audit.procedure import (
    SHARE_STEPS,
    STEPS,
    Procedure,
    corrected_procedure,
    ladder,
    published_procedure,
)

Quantity = Literal["geometry", "share"]
_Table = TypeVar("_Table")


@dataclass(frozen=True)
class TextPart:
    """Which text both models read: a part of the standard library, or files at a path; each `every`-th document."""

    standard_library: Literal["held-out", "train", "all"] | None = None
    path: str | None = None
    pattern: str = "**/*"
    every: int = 1


@dataclass(frozen=True)
class Model:
    """A model and its dictionaries; ``{layer}`` in `dictionary` stands for the layer's number."""

    model: str
    dictionary: str
    name: str = ""
    embedding: str | None = None


@dataclass(frozen=True)
class Synthetic:
    """Worlds of each kind, and their size; `drift` is how far features turn from one layer to the next.

    A text this short would leave few latents that fire as often as on a long one: there `min_firings` and
    `min_cofirings` are at most a fiftieth of the tokens, and a fifth of that.
    """

    worlds: int = 50
    features: int = 192
    width: int = 64
    tokens: int = 1500
    drift: float = 0.5
    draws: int = 199
    shifts: int = 39


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper, and the two procedures that compute its number.

    `at_least` is the smallest effect, from 0 for chance to 1 for identity, with which the sentence is still true
    ("nearly all"); without it more than chance is enough.
    """

    name: str
    sentence: str
    layers: tuple[int, int]
    published: Procedure
    corrected: Procedure
    quantity: Quantity = "geometry"
    theme: str | None = None
    at_least: float | None = None
    reported: float | None = None
    reported_p: float | None = None

    @property
    def ladder(self) -> dict[str, Procedure]:
        """As published, with each correction alone that this claim depends on, with all."""
        steps = SHARE_STEPS if self.quantity == "share" else tuple(STEPS)
        return ladder(self.published, self.corrected, steps)


@dataclass(frozen=True)
class Recipe:
    """What :func:`read_recipe` found; `folder` is what its paths are relative to."""

    title: str
    source: str
    text: TextPart
    left: Model
    right: Model
    claims: tuple[Claim, ...]
    folder: Path
    seed: int = 0
    alpha: float = 0.05
    shifts: int = 199
    synthetic: Synthetic | None = None

    def place(self, path: str, layer: int | None = None) -> Path | str:
        """A path of the recipe, relative to its file; as it stands where nothing is there and it may be a hub id."""
        named = path if layer is None else path.replace("{layer}", str(layer))
        here = self.folder / Path(named).expanduser()
        return here if here.exists() or named.startswith((".", "/", "~")) else named


_TOP = {"title", "source", "seed", "alpha", "shifts", "text", "left", "right", "published", "corrected", "claims",
        "synthetic"}  # fmt: skip
_CLAIM = {"name", "sentence", "layers", "quantity", "theme", "at_least", "reported", "reported_p", "published",
          "corrected"}  # fmt: skip


def read_recipe(path: str | Path) -> Recipe:
    """A recipe, checked; InvalidConfig, with file and place, for what is unknown, missing or contradictory."""
    file = Path(path)
    try:
        return recipe_of(tomllib.loads(file.read_text(encoding="utf-8")), file.parent)
    except FileNotFoundError:
        raise InvalidConfig(f"{file}: no such file") from None
    except OSError as error:
        raise InvalidConfig(f"{file}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{file}: not readable as TOML: {error}") from None
    except InvalidConfig as error:
        raise error.within(str(file)) from None


def recipe_of(told: Mapping[str, Any], folder: Path = Path()) -> Recipe:
    """A recipe from a mapping; errors as :func:`read_recipe`."""
    _known(told, _TOP, "a recipe")
    for needed in ("title", "text", "left", "right", "published", "claims"):
        if needed not in told:
            raise InvalidConfig(f"{needed} is missing; a recipe needs title, text, left, right, published and claims")
    for name in ("published", "corrected"):
        if not isinstance(told.get(name, {}), Mapping):
            raise InvalidConfig(f"{name} must be a table, [{name}]")
    text = _table(TextPart, told["text"], "text")
    if (text.standard_library is None) == (text.path is None):
        raise InvalidConfig('text: name one of standard_library = "held-out" and path = "folder"')
    if text.every < 1:
        raise InvalidConfig(f"text: every = {text.every} must be at least 1")
    alpha, shifts, seed = told.get("alpha", 0.05), told.get("shifts", 199), told.get("seed", 0)
    if not isinstance(alpha, float) or not 0 < alpha < 0.5:
        raise InvalidConfig(f"alpha = {alpha!r} must be a number above 0 and below .5")
    for name, value, least in (("shifts", shifts, 1), ("seed", seed, 0)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InvalidConfig(f"{name} = {value!r} must be a whole number of at least {least}")
    synthetic = _table(Synthetic, told["synthetic"], "synthetic") if "synthetic" in told else None
    if synthetic is not None:
        for each in fields(Synthetic):
            if getattr(synthetic, each.name) <= 0 and each.name != "drift":
                raise InvalidConfig(f"synthetic: {each.name} = {getattr(synthetic, each.name)} must be above 0")
    claims = told["claims"]
    if not isinstance(claims, list) or not claims:
        raise InvalidConfig("claims: at least one [[claims]] is needed, with name, sentence and layers")
    read = tuple(_claim(each, number, told) for number, each in enumerate(claims, 1))
    _check_draws(read, alpha, shifts, synthetic)
    names = [claim.name for claim in read]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidConfig(f"claims: {twice[0]!r} is the name of {names.count(twice[0])} claims; give each its own")
    return Recipe(
        str(told["title"]), str(told.get("source", "")), text, _table(Model, told["left"], "left"),
        _table(Model, told["right"], "right"), read, folder, seed, alpha, shifts, synthetic,
    )  # fmt: skip


def _claim(told: Any, number: int, recipe: Mapping[str, Any]) -> Claim:
    if not isinstance(told, Mapping):
        raise InvalidConfig(f"claim {number} is no table; write [[claims]]")
    where = f"claim {number}" + (f" ({told['name']})" if "name" in told else "")
    _known(told, _CLAIM, where)
    for needed in ("name", "sentence", "layers"):
        if needed not in told:
            raise InvalidConfig(f"{where}: {needed} is missing")
    layers = told["layers"]
    if (
        not isinstance(layers, list)
        or len(layers) != 2
        or not all(isinstance(layer, int) and not isinstance(layer, bool) and layer >= 0 for layer in layers)
    ):
        raise InvalidConfig(f"{where}: layers = {layers!r} must be two layers, left and right, counted from 0: [1, 2]")
    quantity = told.get("quantity", "geometry")
    if quantity not in get_args(Quantity):
        raise InvalidConfig(f"{where}: quantity = {quantity!r} is none of {', '.join(get_args(Quantity))}")
    for name in ("published", "corrected"):
        if not isinstance(told.get(name, {}), Mapping):
            raise InvalidConfig(f'{where}: {name} must be a table: {name} = {{ metric = "rsa" }}')
    try:
        published = published_procedure({**recipe["published"], **told.get("published", {})})
        corrected = corrected_procedure(published, {**recipe.get("corrected", {}), **told.get("corrected", {})})
    except InvalidConfig as error:
        raise error.within(where) from None
    theme = told.get("theme")
    if theme is not None:
        _check_theme(theme, where)
    for side, procedure in (("published", published), ("corrected", corrected)):
        if procedure.null == "random-subset" and theme is None:
            raise InvalidConfig(f'{where}: {side}: null = "random-subset" compares a theme with other pairs: add theme')
    if quantity == "share" and theme is not None:
        raise InvalidConfig(f"{where}: a share is of all left latents; leave theme out")
    if quantity == "share":
        if published.min_r is None or corrected.max_false is None:
            raise InvalidConfig(
                f"{where}: a share counts latents above a threshold: published needs min_r, corrected max_false"
            )
        if published.null not in ("none", "shuffle"):
            raise InvalidConfig(
                f'{where}: published: null = "{published.null}" draws other pairs, of which a share has none; write '
                'published = { null = "none" }, or "shuffle" for documents that are exchanged'
            )
    return Claim(
        str(told["name"]), str(told["sentence"]), (layers[0], layers[1]), published, corrected, quantity, theme,
        _number(told, "at_least", where, 1.0), _number(told, "reported", where),
        _number(told, "reported_p", where, 1.0),
    )  # fmt: skip


def _number(told: Mapping[str, Any], key: str, where: str, highest: float | None = None) -> float | None:
    """A number of a claim; from 0 to `highest` where there is one."""
    value = told.get(key)
    if value is None:
        return None
    inside = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    if not inside or (highest is not None and not 0 <= value <= highest):
        allowed = "a number" if highest is None else f"a number from 0 to {highest:g}"
        raise InvalidConfig(f"{where}: {key} = {value!r} must be {allowed}")
    return float(value)


def _check_draws(claims: Sequence[Claim], alpha: float, shifts: int, synthetic: Synthetic | None) -> None:
    """Of m draws the smallest p is 1 / (m + 1): where that is above alpha, no claim could ever stand."""
    least = ceil(1 / alpha) - 1
    shares = any(claim.quantity == "share" for claim in claims)
    given = [(f"claim {claim.name}: corrected: draws", claim.corrected.draws) for claim in claims]
    given += [("shifts", shifts)] * shares
    if synthetic is not None:
        given += [("[synthetic] draws", synthetic.draws)] + [("[synthetic] shifts", synthetic.shifts)] * shares
    for name, value in given:
        if value < least:
            raise InvalidConfig(
                f"{name} = {value}: the smallest p of so many draws, {1 / (value + 1):.2g}, is above alpha = "
                f"{alpha:g}, and nothing could be found; at least {least} are needed"
            )


def _check_theme(theme: Any, where: str) -> None:
    themes = geomsim.subspaces.read_themes()
    if not isinstance(theme, str) or theme not in themes:
        raise InvalidConfig(f"{where}: there is no theme {theme!r}; there are {', '.join(themes)}")


def _table(kind: type[_Table], told: Any, name: str) -> _Table:
    """A table of the recipe as a dataclass: its keys known, the needed ones there, each of its type."""
    if not isinstance(told, Mapping):
        raise InvalidConfig(f"{name} must be a table, [{name}]")
    hints = get_type_hints(kind)
    _known(told, set(hints), f"[{name}]")
    for key, value in told.items():
        allowed = [
            part for part in (get_args(hints[key]) or (hints[key],)) if part is not type(None)
        ]  # of `int`, `str | None`, or `Literal[...] | None`
        literals = [word for part in allowed for word in get_args(part)]
        if literals and value not in literals:
            raise InvalidConfig(f"[{name}] {key} = {value!r} is none of {', '.join(map(str, literals))}")
        types = tuple(float | int if part is float else part for part in allowed if isinstance(part, type))
        if not literals and (isinstance(value, bool) or not isinstance(value, types)):
            raise InvalidConfig(f"[{name}] {key} = {value!r} must be {' or '.join(part.__name__ for part in allowed)}")
    try:
        return kind(**told)
    except TypeError:
        needed = [key for key in ("model", "dictionary") if key in hints and key not in told]
        raise InvalidConfig(f"[{name}] needs {' and '.join(needed)}") from None


def _known(told: Mapping[str, Any], keys: set[str], where: str) -> None:
    unknown = sorted(set(told) - keys)
    if unknown:
        raise InvalidConfig(f"{where} knows no {', '.join(unknown)}; it takes {', '.join(sorted(keys))}")
