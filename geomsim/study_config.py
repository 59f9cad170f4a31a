"""The configuration of a study: what may stand in it, read from a mapping or a TOML file and checked.

::

    seed = 0
    draws = 999
    metrics = ["svcca", { name = "rsa", compare = "pearson" }]
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
    left_layer = 0                   # any other key becomes a column of the table
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geomsim.errors import InvalidConfig
from geomsim.intervals import check_options
from geomsim.nulls import Null
from geomsim.tables import plain

OPTIONS = frozenset(
    {"seed", "draws", "null", "groups", "metrics", "pairs", "subspaces", "buckets", "interval", "confidence"}
)
PAIR_KEYS = frozenset(
    {"left", "right", "pairing", "left_tokens", "right_tokens", "left_contexts", "right_contexts", "subsets"}
)
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
    _known(config, OPTIONS, "a study")
    if not config.get("pairs"):
        raise InvalidConfig("a study needs at least one pair of spaces: [[pairs]] with left = ... and right = ...")
    for key in ("pairs", "metrics"):
        if key in config and (not isinstance(config[key], list | tuple) or not len(config[key])):
            raise InvalidConfig(f"{key} must be a list with at least one entry, got {plain(config[key])!r}")
    if not isinstance(config.get("buckets", False), bool):
        raise InvalidConfig(f"buckets is true or false, got {config['buckets']!r}")
    if config.get("interval") not in (None, "none"):
        check_options(config["interval"], config.get("confidence", 0.95))
    if (subspaces := config.get("subspaces")) is not None:
        if not isinstance(subspaces, Mapping):
            raise InvalidConfig(f"subspaces is a table ([subspaces], may be empty), got {subspaces!r}")
        _known(subspaces, _SUBSPACE_OPTIONS, "[subspaces]")
    for number, item in enumerate(config["pairs"]):
        if not isinstance(item, Mapping):
            raise InvalidConfig(f"pair {number + 1} must be a table with left = ... and right = ..., got {item!r}")
        taken = sorted(set(item) & set(columns) - PAIR_KEYS)
        if taken:
            raise InvalidConfig(f"pair {number + 1} has a label {taken[0]!r}, which is a column of the results already")
        missing = sorted({"left", "right"} - set(item))
        if missing:
            raise InvalidConfig(f"pair {number + 1} names no {' and no '.join(missing)} space")
        if subspaces is not None and not {"left_tokens", "right_tokens"} <= set(item):
            raise InvalidConfig(
                f"pair {number + 1} names no left_tokens and right_tokens, which [subspaces] needs: tables of each "
                "latent's top tokens, as `geomsim activations` writes them"
            )
    return config


def nulls_of(config: Mapping[str, Any]) -> list[str | Null | None]:
    """The nulls that every comparison is judged by; the word "none" stands for none at all."""
    given = config.get("null", "auto")
    several = list(given) if isinstance(given, list | tuple) else [given]
    if not several:
        raise InvalidConfig('null is a name, a list of names, or "none", got an empty list')
    return [None if null == "none" else null for null in several]


def _known(config: Mapping[str, Any], options: frozenset[str], what: str) -> None:
    unknown = sorted(set(config) - options)
    if unknown:
        raise InvalidConfig(f"{what} knows no {', '.join(unknown)}; it takes {', '.join(sorted(options))}")
