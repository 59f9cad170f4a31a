"""What a study that begins at models may say: [text], [models.NAME], [[between]] and [[within]], read and checked.

Nothing is opened here; paths stay as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from geomsim.errors import InvalidConfig
from geomsim.preparing.blocks import Between, Within, read_between, read_within, slug
from geomsim.preparing.values import checked, choice, flag_or_list, text, whole
from geomsim.study_config import known

_NAME = re.compile(r"\w[\w .+-]*")
_DICTIONARY_OPTIONS = ("path", "site", "format", "subfolder", "revision", "convention", "selection", "input_scale")
_READING = ("context", "max_norm_multiple", "bos")
_PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class TextChoice:
    """[text]: what all models read.

    Parameters
    ----------
    source, pattern, column, name_column, split, subset, documents
        as ``geomsim activations`` takes them; a path is relative to the file.
    neuron_tokens
        neurons are dense, so they are read on whole documents that hold about so many tokens, spread over the text.
    top_tokens, contexts
        how many tokens, and places in the text, are kept of each latent.
    longest, shard_characters, batch_tokens
        as ``geomsim activations`` takes them.
    """

    source: str
    pattern: str = "**/*"
    column: str = "text"
    name_column: str | None = None
    split: str = "train"
    subset: str | None = None
    documents: int | None = None
    neuron_tokens: int = 60_000
    top_tokens: int = 10
    contexts: int = 3
    longest: int = 2**20
    shard_characters: int = 2**18
    batch_tokens: int = 4096


@dataclass(frozen=True)
class DictionaryChoice:
    """One dictionary of a model: where it is, and what :func:`geomsim.activations.read_dictionary` is told."""

    path: str
    site: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelChoice:
    """[models.NAME]: a transformers directory or hub name, or another model whose weights are drawn anew.

    Parameters
    ----------
    path
        relative to the file, or a hub name; of a re-randomised model that of its source.
    rerandomise, seed, embeddings
        the name of the source, and options of :func:`geomsim.activations.rerandomise`.
    dictionaries
        sparse autoencoders, each at a site of its own.
    neurons
        True for the hidden units of every block's MLP, or numbers of blocks.
    options
        revision, dtype, context, max_norm_multiple, bos of :class:`geomsim.activations.TransformersSource`.
    """

    name: str
    path: str
    rerandomise: str | None = None
    seed: int = 0
    embeddings: str = "redrawn"
    dictionaries: tuple[DictionaryChoice, ...] = ()
    neurons: bool | tuple[int, ...] = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The name as a part of file names."""
        return slug(self.name)


@dataclass(frozen=True)
class Preparation:
    """All that a configuration asks to be prepared."""

    text: TextChoice
    models: Mapping[str, ModelChoice]
    between: tuple[Between, ...]
    within: tuple[Within, ...]


def read_preparation(config: Mapping[str, Any]) -> Preparation:
    """What a configuration asks to be prepared. Raises InvalidConfig, naming the table."""
    models = _models(config.get("models"))
    names = tuple(models)
    between = tuple(
        read_between(item, f"between {number}", names) for number, item in enumerate(_tables(config, "between"), 1)
    )
    within = tuple(
        read_within(item, f"within {number}", names) for number, item in enumerate(_tables(config, "within"), 1)
    )
    if not between and not within:
        raise InvalidConfig(
            "the study names models and nothing to compare: add [[between]] with left = ... and right = ..., names of "
            "models"
        )
    for block in between:
        _check_has(models, block)
    for group_block in within:
        if not models[group_block.model].dictionaries:
            raise InvalidConfig(f"{group_block.place}: model {group_block.model!r} has no dictionaries")
    return Preparation(_text(config.get("text")), models, between, within)


def _tables(config: Mapping[str, Any], key: str) -> list[Any]:
    found = config.get(key, [])
    if not isinstance(found, list | tuple):
        raise InvalidConfig(f"{key} is a list of tables, [[{key}]], got {found!r}")
    return list(found)


def _text(given: Any) -> TextChoice:
    if not isinstance(given, Mapping) or "source" not in given:
        raise InvalidConfig(
            'a study that begins at models needs a text that they read: [text] with source = "python", a file, a '
            "folder, or dataset:NAME"
        )
    known(given, [each.name for each in fields(TextChoice)], "[text]")
    if isinstance(given["source"], Path):
        given = {**given, "source": str(given["source"])}
    for key, value in given.items():
        if key in ("source", "pattern", "column", "name_column", "split", "subset"):
            text(value, f"[text]: {key}")
        else:
            whole(value, f"[text]: {key}", least=0 if key in ("top_tokens", "contexts") else 1)
    if not given["source"].removeprefix("dataset:").strip():
        raise InvalidConfig(f"[text]: source {given['source']!r} names no text")
    return TextChoice(**given)


def _models(given: Any) -> dict[str, ModelChoice]:
    if not isinstance(given, Mapping) or not given:
        raise InvalidConfig('a study that begins at models names them: [models.left] with path = "..."')
    found: dict[str, ModelChoice] = {}
    for name, table in given.items():
        place = f"models.{name}"
        if not _NAME.fullmatch(str(name)):
            raise InvalidConfig(
                f"{place}: a model's name is a part of file names: letters, digits, space, and . _ + - are allowed"
            )
        if not isinstance(table, Mapping):
            raise InvalidConfig(f'{place} is a table, [models.{name}] with path = "...", got {table!r}')
        found[str(name)] = _model(str(name), table, place, given)
    slugs: dict[str, str] = {}
    for model in found.values():
        # Some systems do not tell capital letters from small ones in names of files.
        if (other := slugs.setdefault(model.slug.casefold(), model.name)) != model.name:
            raise InvalidConfig(f"models {other!r} and {model.name!r} would share files; call one something else")
    return found


def _model(name: str, table: Mapping[str, Any], place: str, models: Mapping[str, Any]) -> ModelChoice:
    own = ("path", "revision", "dtype", *_READING, "dictionaries", "neurons")
    drawn = ("rerandomise", "seed", "embeddings", *_READING, "dictionaries", "neurons")
    if ("path" in table) == ("rerandomise" in table):
        raise InvalidConfig(f"{place} needs either path = ... or rerandomise = ..., the name of another model")
    known(table, own if "path" in table else drawn, place)
    options = {key: table[key] for key in ("revision", "dtype", *_READING) if key in table}
    found: dict[str, Any] = {}
    if "rerandomise" in table:
        source = models.get(choice(table["rerandomise"], tuple(models), f"{place}: rerandomise"))
        if not isinstance(source, Mapping) or "path" not in source:
            raise InvalidConfig(
                f"{place}: rerandomise names a model with a path of its own, and {table['rerandomise']!r} has none"
            )
        found |= {"rerandomise": table["rerandomise"], "seed": whole(table.get("seed", 0), f"{place}: seed", least=0)}
        found["embeddings"] = choice(table.get("embeddings", "redrawn"), ("redrawn", "kept"), f"{place}: embeddings")
        options = {**{key: source[key] for key in ("revision", "dtype", "bos") if key in source}, **options}
        table = {**table, "path": source["path"]}
    if "revision" in options:
        text(options["revision"], f"{place}: revision")
    if "dtype" in options:
        choice(options["dtype"], _PRECISIONS, f"{place}: dtype")
    if "context" in options:
        whole(options["context"], f"{place}: context", least=2)
    multiple = options.get("max_norm_multiple", 2)
    if isinstance(multiple, bool) or not isinstance(multiple, int | float) or not multiple > 1:
        raise InvalidConfig(f"{place}: max_norm_multiple is a number above 1, got {multiple!r}")
    if not isinstance(options.get("bos", False), bool):
        raise InvalidConfig(f"{place}: bos is true or false, got {options['bos']!r}")
    path = table["path"]
    if not isinstance(path, str | Path) or not str(path).strip():
        raise InvalidConfig(f"{place}: path is a directory or a hub name, got {path!r}")
    return ModelChoice(
        name=name, path=str(path), dictionaries=_dictionaries(table.get("dictionaries", ()), place),
        neurons=flag_or_list(table.get("neurons", False), f"{place}: neurons"), options=options, **found,
    )  # fmt: skip


def _dictionaries(given: Any, place: str) -> tuple[DictionaryChoice, ...]:
    """A list of paths or tables, or a table from site to either."""
    if isinstance(given, Mapping):
        return tuple(_dictionary(item, site, f"{place}: dictionaries, {site!r}") for site, item in given.items())
    if isinstance(given, str | Path) or not isinstance(given, list | tuple):
        raise InvalidConfig(f"{place}: dictionaries is a list of paths, or a table from site to path, got {given!r}")
    return tuple(_dictionary(item, None, f"{place}: dictionary {number}") for number, item in enumerate(given, 1))


def _dictionary(item: Any, site: str | None, place: str) -> DictionaryChoice:
    table = {"path": str(item)} if isinstance(item, str | Path) else item
    if not isinstance(table, Mapping) or not isinstance(table.get("path"), str | Path):
        raise InvalidConfig(f"{place} is a path or a table with path = ..., got {item!r}")
    known(table, _DICTIONARY_OPTIONS, place)
    if site is not None and "site" in table:
        raise InvalidConfig(f"{place}: the site is said twice")
    options = {key: table[key] for key in _DICTIONARY_OPTIONS if key not in ("path", "site") and key in table}
    checked(lambda: _reading(options), place)
    return DictionaryChoice(str(table["path"]), site or table.get("site"), options)


def _reading(options: Mapping[str, Any]) -> None:
    from geomsim.activations.dictionary_files import Reading
    from geomsim.activations.dictionary_formats import FORMATS

    Reading(options.get("selection"), options.get("input_scale"), None, options.get("convention"))
    if "format" in options:
        choice(options["format"], tuple(each.name for each in FORMATS), "format")
    for key in ("subfolder", "revision"):
        if key in options:
            text(options[key], key)


def _check_has(models: Mapping[str, ModelChoice], block: Between) -> None:
    for name in dict.fromkeys((block.left, block.right)):
        model = models[name]
        if "features" in block.rows and not model.dictionaries:
            raise InvalidConfig(f"{block.place}: model {name!r} has no dictionaries, which features need")
        if "neurons" in block.rows and model.neurons is False:
            raise InvalidConfig(
                f"{block.place}: the neurons of model {name!r} are not read; say neurons = true in [models.{name}]"
            )
