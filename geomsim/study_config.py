"""The configuration of a study: what may stand in it, read from a mapping or a TOML file and checked.

::

    seed = 0
    draws = 999
    metrics = ["svcca", { name = "rsa", compare = "pearson" }, { name = "soft-matching", draws = 99 }]
    null = "auto"                    # or several: ["shuffle", "spectrum-matched"]
    interval = "jackknife"           # optional; with confidence = 0.95
    buckets = true                   # also by multiplicity of the pairing

    [subspaces]                      # also by theme; needs left_tokens and right_tokens in the pairs
    themes = "themes.toml"           # left out: the themes that geomsim ships
    only = ["time", "code"]
    top = 5
    rule = "any"                     # or "most" of the top tokens
    side = "both"                    # or "left", "right", "either"

    [[pairs]]
    left = "left/layer_0.npz"        # paths are relative to the file
    right = "right/saes/layer_1"     # a sparse autoencoder, by its directory or file: its unit decoder rows
    pairing = "pairings/0_1.parquet" # optional
    left_tokens = "left/layer_0_tokens.parquet"
    right_tokens = "right/layer_1_tokens.parquet"
    left_contexts = "left/layer_0_contexts.parquet"    # text for the report, which changes no result
    right_contexts = "right/layer_1_contexts.parquet"
    metrics = ["svcca"]              # these take the place of the study's own, for this pair: metrics, null, draws,
    draws = 9999                     # interval, confidence, buckets and subspaces (false for none)
    within = { space = "left/layer_0.npz", left = [0, 5, 9], right = [2, 3] }   # two groups of rows of one space, of
                                     # which left and right hold copies; see :mod:`geomsim.groups`
    left_layer = 0                   # any other key becomes a column of the table

The table of a metric may hold null, draws, interval and confidence beside its parameters: these hold for it wherever
that list of metrics is asked, in place of the study's, the block's and the pair's.

A study may begin at models instead of files, with [text], [models.NAME], [[between]] and [[within]]:
:mod:`geomsim.preparing` says how, and makes pairs of files of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from geomsim.catalog import instance_of
from geomsim.catalog import metric as metric_by_name
from geomsim.contract import Metric
from geomsim.errors import InvalidConfig
from geomsim.intervals import check_options
from geomsim.nulls import Null
from geomsim.tables import plain

CHOICES = ("metrics", "null", "draws", "interval", "confidence", "buckets", "subspaces")
"""What is chosen for the whole study, and may be chosen for one pair in its place."""
JUDGING = ("null", "draws", "interval", "confidence")
"""Of these, what may be chosen for one metric."""
MODEL_KEYS = ("text", "models", "between", "within")
"""Of a study that begins at models."""
OPTIONS = frozenset({"seed", "groups", "pairs", *CHOICES, *MODEL_KEYS})
FILES = ("left", "right", "pairing", "left_tokens", "right_tokens", "left_contexts", "right_contexts")
"""Of a pair: what may be a path."""
PAIR_KEYS = frozenset({*FILES, "subsets", "within", *CHOICES})
"""Of a pair: what is no label."""
_WITHIN = {"space", "left", "right"}  # and maybe pool
_SUBSPACE_OPTIONS = frozenset({"themes", "only", "top", "rule", "side", "case_sensitive"})


def read_config(config: Mapping[str, Any] | str | Path, columns: Sequence[str] = ()) -> Mapping[str, Any]:
    """The configuration of a study, from a mapping or a TOML file, checked.

    `columns` are names that no label of a pair may bear. Raises InvalidConfig, naming the file.
    """
    if isinstance(config, str | Path):
        import tomllib

        path = Path(config)
        try:
            return read_config(tomllib.loads(path.read_text(encoding="utf-8")), columns)
        except FileNotFoundError:
            raise InvalidConfig(f"{path}: no such file") from None
        except OSError as error:
            raise InvalidConfig(f"{path}: cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidConfig(f"{path}: not readable as TOML: {error}") from None
        except InvalidConfig as error:
            raise error.within(str(path)) from None
    known(config, OPTIONS, "a study")
    models = begins_at_models(config)
    if not config.get("pairs") and not models:
        raise InvalidConfig(
            "a study needs at least one pair of spaces: [[pairs]] with left = ... and right = ..., or [[between]] of "
            "two [models.NAME]"
        )
    if ("pairs" in config and not models) or config.get("pairs"):
        _check_list(config, "pairs")
    check_choices(config)
    check_pairs(config, columns)
    return config


def begins_at_models(config: Mapping[str, Any]) -> bool:
    """Whether the configuration asks for something to be prepared from models."""
    return any(config.get(key) for key in MODEL_KEYS)


def chosen_for(item: Mapping[str, Any], config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration of a study as it holds for one of its pairs."""
    own = {key: item[key] for key in CHOICES if key in item}
    return {**config, **own} if own else config


def asked_of(choice: Any, config: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """An entry of `metrics` without what it chooses for itself, and the configuration as it holds for that metric."""
    own = {key: choice[key] for key in JUDGING if key in choice} if isinstance(choice, Mapping) else {}
    if not own:
        return choice, config
    return {key: value for key, value in choice.items() if key not in own}, {**config, **own}


def check_choices(config: Mapping[str, Any]) -> None:
    """Check what a study, or one pair or block of it, chooses; InvalidConfig otherwise."""
    if "metrics" in config:
        _check_list(config, "metrics")
    if not isinstance(config.get("buckets", False), bool):
        raise InvalidConfig(f"buckets is true or false, got {config['buckets']!r}")
    _check_judging(config)
    for choice in config.get("metrics") or ():
        own = asked_of(choice, config)[1]
        if own is not config:
            try:
                _check_judging(own)
            except InvalidConfig as error:
                raise error.within(f"metric {choice.get('name')}") from None
    if subspaces_of(config) is not None:
        known(config["subspaces"], _SUBSPACE_OPTIONS, "[subspaces]")


def _check_judging(config: Mapping[str, Any]) -> None:
    if config.get("interval") not in (None, "none"):
        check_options(config["interval"], config.get("confidence", 0.95))
    nulls_of(config)


def subspaces_of(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The table of subspaces, None where there is none (or false in its place)."""
    subspaces: Any = config.get("subspaces")
    if subspaces is None or subspaces is False:
        return None
    if not isinstance(subspaces, Mapping):
        raise InvalidConfig(f"subspaces is a table ([subspaces], may be empty), got {subspaces!r}")
    return subspaces


def check_pairs(config: Mapping[str, Any], columns: Sequence[str] = ()) -> None:
    """Check each pair of a study; InvalidConfig, naming the pair, otherwise."""
    for number, item in enumerate(config.get("pairs") or ()):
        _check_pair(item, f"pair {number + 1}", columns, config)


def _check_pair(item: Any, place: str, columns: Sequence[str], config: Mapping[str, Any]) -> None:
    if not isinstance(item, Mapping):
        raise InvalidConfig(f"{place} must be a table with left = ... and right = ..., got {item!r}")
    taken = sorted(set(item) & set(columns) - PAIR_KEYS)
    if taken:
        raise InvalidConfig(f"{place} has a label {taken[0]!r}, which is a column of the results already")
    missing = sorted({"left", "right"} - set(item))
    if missing:
        raise InvalidConfig(f"{place} names no {' and no '.join(missing)} space")
    if "within" in item and (not isinstance(item["within"], Mapping) or set(item["within"]) - {"pool"} != _WITHIN):
        raise InvalidConfig(
            f"{place}: within is a table with space = ..., and left = ... and right = ..., rows of it, and maybe pool "
            f"= ..., the rows of random groups; got "
            f"{plain(item['within'])!r}"
        )
    chosen = chosen_for(item, config)
    if chosen is not config:
        try:
            check_choices(chosen)
        except InvalidConfig as error:
            raise error.within(place) from None
    if subspaces_of(chosen) is not None and "within" not in item and not {"left_tokens", "right_tokens"} <= set(item):
        raise InvalidConfig(
            f"{place} names no left_tokens and right_tokens, which [subspaces] needs: tables of each "
            "latent's top tokens, as `geomsim activations` writes them"
        )


def _check_list(config: Mapping[str, Any], key: str) -> None:
    if not isinstance(config[key], list | tuple) or not len(config[key]):
        raise InvalidConfig(f"{key} must be a list with at least one entry, got {plain(config[key])!r}")


def metric_of(choice: Any) -> Metric[Any]:
    """A metric from its name, a table with a name and parameters, or itself."""
    if not isinstance(choice, Mapping):
        return instance_of(choice)
    if not isinstance(choice.get("name"), str):
        raise InvalidConfig(f"a metric with parameters is a table with a name, got {plain(choice)!r}")
    return metric_by_name(**choice)


def nulls_of(config: Mapping[str, Any]) -> list[str | Null | None]:
    """The nulls that every comparison is judged by; the word "none" stands for none at all."""
    given = config.get("null", "auto")
    several = list(given) if isinstance(given, list | tuple) else [given]
    if not several:
        raise InvalidConfig('null is a name, a list of names, or "none", got an empty list')
    return [None if null == "none" else null for null in several]


def known(config: Mapping[str, Any], options: Collection[str], what: str) -> None:
    """Raise InvalidConfig where a table has a key that it does not take."""
    unknown = sorted(set(config) - set(options))
    if unknown:
        near = [key for word in unknown for key in difflib.get_close_matches(word, options, n=1, cutoff=0.6)]
        hint = f". Did you mean {' and '.join(map(repr, dict.fromkeys(near)))}?" if near else ""
        raise InvalidConfig(f"{what} knows no {', '.join(unknown)}; it takes {', '.join(sorted(options))}{hint}")
