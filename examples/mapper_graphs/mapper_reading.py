"""What the shipped models make of held-out Python text: activations, the tokens they belong to, latents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from geomsim import Codes, equal_blocks
from geomsim.activations import Dictionary, Document, TransformersSource, read_codes, read_dictionary
from geomsim.activations.standard_library import standard_library_documents
from geomsim.activations.token_texts import texts_read
from geomsim.progress import track

MODELS = Path(__file__).parents[1] / "code_models"
CHARACTERS = 8_000  # of each document; shorter documents are left out
EVERY = 5  # tokens apart

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """Where in the text each row stands."""

    texts: Sequence[str]
    document: Integers
    start: Integers
    end: Integers

    def word(self, row: int) -> str:
        """The characters of a row's token."""
        start, end = int(self.start[row]), int(self.end[row])
        return str(self.texts[self.document[row]][start:end])

    def context(self, row: int, before: int = 24, after: int = 14) -> tuple[str, str, str]:
        """What stands before the token, the token, and what stands behind it."""
        text, start, end = self.texts[self.document[row]], int(self.start[row]), int(self.end[row])
        return text[max(0, start - before) : start], text[start:end], text[end : end + after]


def documents(count: int | None = None) -> list[Document]:
    """The first characters of each held-out file that has as many; of the first `count` such files."""
    long = [each for each in standard_library_documents("held-out") if len(each.text) >= CHARACTERS]
    return [Document(each.name, each.text[:CHARACTERS]) for each in long[:count]]


def activations(model: str, layers: Sequence[int], read: Sequence[Document]) -> dict[int, Codes]:
    """The residual stream after each of these layers, on every token."""
    sites: dict[str, Dictionary | None] = {f"residual:{layer}": None for layer in layers}
    source = TransformersSource(MODELS / model)
    with track(len(read), f"reading {model}, documents") as advance:
        found = read_codes(source, read, sites, progress=_documents_done(advance))
    return {int(site.partition(":")[2]): codes for site, codes in found.items()}


def _documents_done(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    done = 0

    def progress(now: int, _characters: int) -> None:
        nonlocal done
        advance(now - done)
        done = now

    return progress


def spread_rows(codes: Codes) -> Integers:
    """Every fifth token of each document, equally many of each, so that whole documents can change places."""
    assert codes.groups is not None
    labels = np.asarray(codes.groups)
    starts = np.searchsorted(labels, labels)  # documents follow each other
    thinned = np.flatnonzero((np.arange(len(labels)) - starts) % EVERY == 0)
    return thinned[equal_blocks(labels[thinned])]


def places(codes: Codes, read: Sequence[Document], rows: Integers) -> Places:
    """Where rows stand in the text that was read."""
    tokens, texts = texts_read(codes, read)
    return Places(texts, *(np.asarray(getattr(tokens, name))[rows] for name in ("document", "start", "end")))


def latents(model: str, layer: int, residual: Codes) -> tuple[Codes, Floats]:
    """The codes of the shipped dictionary of a layer, and its unit decoder rows."""
    dictionary = read_dictionary(MODELS / model / "saes" / f"layer_{layer}")
    sparse = dictionary.encode(torch.from_numpy(residual.dense()))
    return Codes(sparse, tokens=residual.tokens), dictionary.directions.astype(np.float64)
