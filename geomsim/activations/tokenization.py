"""From text to token numbers with their characters: what every model source needs of a tokenizer."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.offsets import spans_by_decoding
from geomsim.activations.text import Document
from geomsim.errors import GeomsimWarning, InvalidConfig, InvalidModel, InvalidText

#: Text to token numbers and, for each token, its characters (start, end) in the text.
Tokenize = Callable[[str], tuple[Sequence[int], Sequence[tuple[int, int]]]]

# Without one of these a directory carries no tokenizer, and transformers answers with an empty one.
_TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model",
    "sentencepiece.bpe.model", "tekken.json",
)  # fmt: skip
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_ANY_TEXT = "a"


@dataclass(frozen=True)
class Tokenization:
    """A tokenizer as a source uses it.

    Parameters
    ----------
    tokenize
        text to (token numbers, character spans), adding no special tokens.
    offsets
        where the spans come from: "tokenizer", or "decoding" where it gives none.
    bos
        the beginning-of-text token that each window begins with; None where it begins with the text.
    special_ids
        tokens that are no text, wherever they come from: a literal ``<|endoftext|>`` is one too.
    pad_id
        any valid token number; padded places are masked and never read.
    """

    tokenize: Tokenize
    special_ids: frozenset[int] = frozenset()
    pad_id: int = 0
    offsets: Literal["tokenizer", "decoding"] = "tokenizer"
    bos: int | None = None

    def room(self, context: int) -> int:
        """How many tokens of the text a window of `context` tokens holds. InvalidConfig where there is no room."""
        found = context - (self.bos is not None)
        if found < 1:
            raise InvalidConfig(
                f"context is {context}; windows that begin with a beginning-of-text token need at least 2 tokens"
            )
        return found

    def tokens_of(self, document: Document) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The tokens of a document, (n,), and their characters, (n, 2); GeomsimError where the two do not fit."""
        try:
            listed, spanned = self.tokenize(document.text)
        except InvalidText as error:
            raise error.within(f"document {document.name!r}") from None
        ids = np.asarray(listed, dtype=np.int64).reshape(-1)
        spans = np.asarray(spanned, dtype=np.int64).reshape(-1, 2)
        if len(ids) != len(spans):
            raise InvalidModel(
                f"the tokenizer gave {len(ids)} tokens but {len(spans)} spans for document {document.name!r}"
            )
        wrong = (spans[:, 0] < 0) | (spans[:, 0] > spans[:, 1]) | (spans[:, 1] > len(document.text))
        if wrong.any():
            row = int(wrong.argmax())
            raise InvalidModel(
                f"the tokenizer places token {row} of document {document.name!r} at characters {spans[row, 0]} to "
                f"{spans[row, 1]}, but the text has {len(document.text)}"
            )
        return ids, spans


def model_location(path_or_id: str | Path) -> str:
    """The directory, or the hub id, as text; InvalidModel where it can be neither."""
    text = os.fspath(path_or_id)
    path = Path(text).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            inside = sorted(entry.name for entry in path.iterdir())
            raise InvalidModel(
                f"{path}: no config.json, so this is not a transformers model directory; "
                f"it holds {', '.join(inside[:8]) or 'nothing'}"
            )
        return str(path)
    if path.is_file():
        raise InvalidModel(f"{path}: a file where a model directory (with config.json and weights) is needed")
    if isinstance(path_or_id, Path) or not _HUB_ID.fullmatch(text) or text.startswith("."):
        raise InvalidModel(f"{path}: no such model directory")
    return text


def load_tokenizer(location: str, revision: str | None = None) -> Any:
    """The transformers tokenizer of a model directory or hub id.

    Raises
    ------
    InvalidModel
        where there is none, or it is empty.
    """
    from transformers import AutoConfig, AutoTokenizer

    what_to_do = (
        "save one there with tokenizer.save_pretrained(directory), or name the place of another with tokenizer=..."
    )
    if os.path.isdir(location) and not any(os.path.exists(os.path.join(location, name)) for name in _TOKENIZER_FILES):
        raise InvalidModel(f"{location}: no tokenizer (none of {', '.join(_TOKENIZER_FILES[:4])}, ...); {what_to_do}")
    try:
        if not os.path.isdir(location):
            AutoConfig.from_pretrained(location, revision=revision)
    except Exception as error:  # the hub client raises many kinds, among them those of its network library
        raise InvalidModel(
            f"{location}: no such directory here, and as a hub id it could not be fetched ({_first_line(error)})"
        ) from error
    try:
        tokenizer = AutoTokenizer.from_pretrained(location, revision=revision)
    except Exception as error:  # transformers raises whatever its many tokenizers raise
        raise InvalidModel(f"{location}: no tokenizer could be read ({_first_line(error)}); {what_to_do}") from error
    if len(tokenizer) < 2:
        raise InvalidModel(f"{location}: the tokenizer is empty, as if its files were missing; {what_to_do}")
    return tokenizer


def bos_of(tokenizer: Any, wanted: bool | None = None) -> int | None:
    """The beginning-of-text token that windows are to begin with, None for no such token.

    Parameters
    ----------
    wanted
        whether there is to be one; None leaves it to the tokenizer: there is one where it puts it before a text by
        itself when it is asked for special tokens, as those of Gemma and Llama do and those of GPT-2 and Pythia do not.

    Raises
    ------
    InvalidConfig
        where one is wanted and the tokenizer has none.
    """
    number = tokenizer.bos_token_id
    if wanted is False or (number is None and not wanted):
        return None
    if number is None:
        raise InvalidConfig(
            f"bos=True: the tokenizer of {tokenizer.name_or_path or 'this model'} has no beginning-of-text token; "
            "leave bos out to read text as it does by itself"
        )
    if wanted is None:
        text, asked = (list(tokenizer(_ANY_TEXT, add_special_tokens=special)["input_ids"]) for special in (False, True))
        if asked[: len(text) + 1] != [number, *text]:
            return None
    return int(number)


def tokenization_of(tokenizer: Any, bos: bool | None = None) -> Tokenization:
    """A transformers tokenizer, adding no special tokens; its special ids are those it declares anywhere.

    Windows begin with a beginning-of-text token as :func:`bos_of` says. A slow tokenizer does not say which
    characters a token covers: they are found by decoding (:func:`geomsim.activations.offsets.spans_by_decoding`), a
    GeomsimWarning says so, and `offsets` is "decoding".
    """
    fast = bool(getattr(tokenizer, "is_fast", False))

    def tokenize(text: str) -> tuple[Sequence[int], Sequence[tuple[int, int]]]:
        # verbose=False: a document longer than the context is cut into windows later, so no warning is due.
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=fast, verbose=False)
        ids = encoded["input_ids"]
        return ids, encoded["offset_mapping"] if fast else spans_by_decoding(ids, text, decode)

    def decode(ids: Sequence[int]) -> str:
        return str(
            tokenizer.decode(
                ids, skip_special_tokens=False, clean_up_tokenization_spaces=False, spaces_between_special_tokens=False
            )
        )

    if not fast:
        warnings.warn(
            f"{type(tokenizer).__name__} is a slow tokenizer, which does not say which characters a token covers; they "
            "are found by decoding, which takes longer and fails where the tokenizer changes the text. A fast version "
            "(tokenizer.json) says it itself",
            GeomsimWarning,
            stacklevel=3,
        )
    special = set(tokenizer.all_special_ids)
    special.update(number for number, token in tokenizer.added_tokens_decoder.items() if token.special)
    pad = tokenizer.pad_token_id
    offsets: Literal["tokenizer", "decoding"] = "tokenizer" if fast else "decoding"
    pad_id = 0 if pad is None else int(pad)
    return Tokenization(tokenize, frozenset(map(int, special)), pad_id, offsets, bos_of(tokenizer, bos))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
