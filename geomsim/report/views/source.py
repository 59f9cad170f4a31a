"""What one pair of a study's configuration stands for, opened: spaces, pairing, top tokens, contexts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geomsim.activations.latent_contexts import ContextTable, read_contexts
from geomsim.activations.latent_tokens import TopTokens, read_top_tokens
from geomsim.errors import GeomsimError, InvalidConfig
from geomsim.pairing import Pairing
from geomsim.report.pair_names import pair_name
from geomsim.row_groups import Group
from geomsim.space import Space
from geomsim.study_config import PAIR_KEYS
from geomsim.study_spaces import open_space
from geomsim.tables import plain

NO_ROWS = " has no rows"
_EMPTY_GROUP = re.compile(r"""Group\((?P<mark>['"])(?P<name>.*)(?P=mark), 0 rows\)""")  # as its repr has it
FILES = ("left", "right", "pairing", "left_tokens", "right_tokens", "left_contexts", "right_contexts")


@dataclass(frozen=True, eq=False)
class OpenedPair:
    """Two spaces that were compared, with what is known of their rows."""

    left: Space
    right: Space
    pairing: Pairing | None = None
    left_tokens: TopTokens | None = None
    right_tokens: TopTokens | None = None
    left_contexts: ContextTable | None = None
    right_contexts: ContextTable | None = None


def open_pair(item: Mapping[str, Any], base: Path) -> OpenedPair:
    """Everything that a pair of a study's configuration names: paths relative to `base`, or the objects themselves.

    Raises what opening raises, naming the pair.
    """
    try:
        return OpenedPair(
            opened_space(item["left"], base),
            opened_space(item["right"], base),
            opened_pairing(item.get("pairing"), base),
            opened_tokens(item.get("left_tokens"), base),
            opened_tokens(item.get("right_tokens"), base),
            opened_contexts(item.get("left_contexts"), base),
            opened_contexts(item.get("right_contexts"), base),
        )
    except GeomsimError as error:
        raise error.within(f"pair ({labels_in_words(item) or 'without labels'})") from None


def labels_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """What a pair says of itself besides its files: the labels that become columns of the results."""
    labels: dict[str, Any] = plain({key: value for key, value in item.items() if key not in PAIR_KEYS})
    return labels


def labels_in_words(item: Mapping[str, Any]) -> str:
    """The labels as one says them.

    >>> labels_in_words({"left": "a.npy", "right": "b.npy", "kind": "features", "left_layer": 0})
    'features, left layer 0'
    """
    return pair_name(labels_of(item))


def gone(given: Any, base: Path) -> str:
    """Why what a configuration names cannot be opened any more; nothing where it is there.

    Objects of a study that ran in Python stand in its record as text, and count as gone too. So does an empty group
    of rows, which is none of these but has nothing to draw.
    """
    if is_empty_group(given):
        return _EMPTY_GROUP.sub(r"\g<name>", str(given)) + NO_ROWS
    if not isinstance(given, str | Path):
        return ""
    text = str(given)
    if text.startswith(("Space(", "array(", "tensor(", "Pairing(", "TopTokens(", "ContextTable(")) or "\n" in text:
        return f"{text.partition('(')[0]} was an object in Python, of which the results keep no points"
    return "" if (base / given).exists() else f"{given} is not there any more"


def is_empty_group(given: Any) -> bool:
    """Whether this is a group without rows, itself or as a record holds it."""
    return isinstance(given, Group | str) and _EMPTY_GROUP.fullmatch(str(given)) is not None


def opened_space(given: Any, base: Path) -> Space:
    """A space from its file or dictionary, itself, or points."""
    if isinstance(given, Space):
        return given
    return open_space(base / given, called=str(given)) if isinstance(given, str | Path) else Space(given)


def opened_pairing(given: Any, base: Path) -> Pairing | None:
    """A pairing from its file, or itself."""
    if isinstance(given, str | Path):
        return Pairing.open(base / given)
    if not isinstance(given, Pairing | None):
        raise InvalidConfig(f"pairing is a Pairing or the path of one, got {type(given).__name__}")
    return given


def opened_tokens(given: Any, base: Path) -> TopTokens | None:
    """Top tokens from their file, themselves, or from one list of strings per latent."""
    if given is None or isinstance(given, TopTokens):
        return given
    if isinstance(given, str | Path):
        return read_top_tokens(base / given)
    import pandas as pd

    try:
        listed = [
            (latent, rank, str(token))
            for latent, tokens in enumerate(given)
            for rank, token in enumerate(tokens, start=1)
        ]
    except TypeError as error:
        raise GeomsimError(f"top tokens are a file or one list of strings per latent: {error}") from None
    return TopTokens(pd.DataFrame(listed, columns=["latent", "rank", "token"]), len(given))


def opened_contexts(given: Any, base: Path) -> ContextTable | None:
    """Contexts from their file, or themselves."""
    if isinstance(given, str | Path):
        return read_contexts(base / given)
    if not isinstance(given, ContextTable | None):
        raise InvalidConfig(f"contexts are a ContextTable or the path of one, got {type(given).__name__}")
    return given
