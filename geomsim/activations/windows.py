"""Documents cut into windows of a model's context, and the tokens of each window that are kept.

1. Each document becomes tokens, with no special tokens added.
2. They are cut, without overlap, into windows of `context` tokens; the last one of a document is short. Or they are
   cut at given characters (:mod:`geomsim.activations.cuts`), so that models with other tokenizers read the same text
   in each window. Documents are tokenized whole either way.
3. Where the model was trained so, each window begins with a beginning-of-text token
   (:func:`geomsim.activations.tokenization.bos_of`). It takes one of the `context` places.
4. Windows are stacked in reading order, short ones padded on the right and masked.
5. Left out and counted: special tokens (by their number, so a literal ``<|endoftext|>`` is one), then the first
   position of each window, where transformers park attention and the activation says little about the token
   ("attention sinks", Xiao et al. 2023), then, if asked, tokens of huge norm. Where a beginning-of-text token stands
   first, it is the sink, and no token of the text is left out for its place.

Padding and added beginning-of-text tokens are no tokens of the text: they have no row, no position and are in no count.
Every token of the text is either in the table or counted under one reason.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.cuts import Cuts
from geomsim.activations.source import Batch
from geomsim.activations.text import Document, checked_documents, text_hash
from geomsim.activations.tokenization import Tokenization
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidConfig, InvalidModel

if TYPE_CHECKING:
    from torch import Tensor

SPECIAL = "special token"
FIRST = "first of window"
NORM = "huge norm"
EMPTY = "document without tokens"


@dataclass(frozen=True)
class Windowing:
    """How text is cut and what is left out.

    Parameters
    ----------
    context
        tokens per window, a beginning-of-text token among them; at least 2 (1 with `keep_first`).
    keep_first
        whether the first position of each window is kept; of no effect where it is a beginning-of-text token.
    max_norm_multiple
        leave a token out when, at any site that is read, its norm exceeds this multiple of the median norm of
        its window's tokens at that site (special tokens, those of norm 0 and a first one that is left out aside). The
        rule looks at one window only, so it depends neither on the batch size nor on the rest of the text. None keeps
        all.
    """

    context: int
    keep_first: bool = False
    max_norm_multiple: float | None = None

    def __post_init__(self) -> None:
        least = 1 if self.keep_first else 2
        if isinstance(self.context, bool) or not isinstance(self.context, int):
            raise InvalidConfig(f"context is {self.context!r}; a whole number of tokens is needed")
        if self.context < least:
            raise InvalidConfig(f"context is {self.context}; windows need at least {least} tokens")
        if self.max_norm_multiple is not None and not self.max_norm_multiple > 1:
            raise InvalidConfig(
                f"max_norm_multiple is {self.max_norm_multiple}; a multiple of the median above 1 is needed"
            )


@dataclass(frozen=True, eq=False)
class WindowBatch:
    """Some windows as the model reads them.

    Parameters
    ----------
    ids, mask
        (windows, positions) int64 and bool; False is padding. An added beginning-of-text token is at position 0.
    rows
        which of the windows x positions places, flattened, the rows of `tokens` are.
    window
        the window of each row.
    tokens
        the kept tokens and counts of the others.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.bool_]
    rows: NDArray[np.int64]
    window: NDArray[np.int64]
    tokens: TokenTable


def one_token() -> WindowBatch:
    """Token 0 alone: enough to see how wide a site is."""
    zero = np.zeros(1, dtype=np.int64)
    column = zero.astype(np.int32)
    tokens = TokenTable(column, column, column, column, column, documents=("",))
    return WindowBatch(zero[None], np.ones((1, 1), dtype=np.bool_), zero, zero, tokens)


@dataclass
class _Cutter:
    documents: tuple[str, ...]
    text_hash: str
    tokenization: Tokenization
    keep_first: bool
    left_out: Counter[str] = field(default_factory=Counter)
    windows: list[tuple[int, int, NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=list)

    def flush(self) -> WindowBatch:
        bos = self.tokenization.bos
        before = 0 if bos is None else 1
        lengths = [before + len(ids) for _, _, ids, _ in self.windows]
        shape = (len(lengths), max(lengths, default=0))
        ids = np.full(shape, self.tokenization.pad_id, dtype=np.int64)
        text = np.zeros(shape, dtype=np.bool_)
        columns = np.zeros((4, *shape), dtype=np.int32)  # document, position, start, end
        for row, (number, begin, window, spans) in enumerate(self.windows):
            places = slice(before, before + len(window))
            ids[row, places] = window
            text[row, places] = True
            columns[0, row, places] = number
            columns[1, row, places] = begin + np.arange(len(window))
            columns[2:, row, places] = spans.T
        special = text & np.isin(ids, list(self.tokenization.special_ids))
        first = np.zeros(shape, dtype=np.bool_)
        first[:, :1] = not self.keep_first
        first &= text & ~special
        self.left_out.update({SPECIAL: int(special.sum()), FIRST: int(first.sum())})
        kept = text & ~special & ~first
        mask = text
        if bos is not None:
            mask = text.copy()
            ids[:, :1], mask[:, :1] = bos, True
        document, position, start, end = (column[kept] for column in columns)
        token_id = ids[kept].astype(np.int32)
        tokens = TokenTable(document, position, start, end, token_id, self.documents, self.text_hash)
        tokens = tokens.counted(self.left_out)
        batch = WindowBatch(ids, mask, np.flatnonzero(kept), np.nonzero(kept)[0], tokens)
        self.left_out, self.windows = Counter(), []
        return batch


def window_batches(
    documents: Sequence[Document],
    tokenization: Tokenization,
    windowing: Windowing,
    *,
    batch_tokens: int = 4096,
    equal_lengths: bool = False,
    cuts: Cuts | None = None,
) -> Iterator[WindowBatch]:
    """The windows of all documents in reading order, about `batch_tokens` tokens a batch.

    With `equal_lengths` no batch mixes windows of different lengths, so there is no padding: for modules that
    take no mask. The next document is tokenized only when its turn comes. With `cuts` windows end where these say,
    and nowhere else.
    """
    if batch_tokens < 1:
        raise InvalidConfig(f"batch_tokens is {batch_tokens}; at least 1 is needed")
    documents = checked_documents(documents)
    names = tuple(document.name for document in documents)
    cutter = _Cutter(names, text_hash(documents), tokenization, windowing.keep_first)
    size = max(1, batch_tokens // windowing.context)
    room = tokenization.room(windowing.context)
    for number, document in enumerate(documents):
        ids, spans = tokenization.tokens_of(document)
        if not len(ids):
            cutter.left_out[EMPTY] += 1
        bounds = [*range(0, len(ids), room), len(ids)]
        if cuts is not None:
            bounds = cuts.windows(document, spans, room)
        for begin, end in itertools.pairwise(bounds):
            window = slice(begin, end)
            if equal_lengths and cutter.windows and len(cutter.windows[0][2]) != len(ids[window]):
                yield cutter.flush()
            cutter.windows.append((number, begin, ids[window], spans[window]))
            if len(cutter.windows) == size:
                yield cutter.flush()
    if cutter.windows or cutter.left_out:
        yield cutter.flush()


def read_batches(
    batches: Iterator[WindowBatch],
    sites: Sequence[str],
    activations: Callable[[WindowBatch], Mapping[str, Tensor]],
    width: Callable[[str], int],
    windowing: Windowing,
) -> Iterator[Batch]:
    """Run `activations` (site to (rows, width)) on each batch, check what it gives, apply the norm rule.

    A batch without kept tokens is not run; it still carries its counts.
    """
    import torch

    for batch in batches:
        if not len(batch.rows):
            yield Batch(batch.tokens, {site: torch.zeros(0, width(site)) for site in sites})
            continue
        found = activations(batch)
        for site in sites:
            finite = found[site].isfinite().all(dim=1)
            if not finite.all():
                row = int((~finite).nonzero()[0, 0])
                tokens = batch.tokens
                raise InvalidModel(
                    f"site {site!r}: {int((~finite).sum())} of {len(finite)} tokens have a NaN or an infinity, first "
                    f"token {tokens.position[row]} of document {tokens.documents[tokens.document[row]]!r}; "
                    "read the model in float32, and check its weights"
                )
        if windowing.max_norm_multiple is None:
            yield Batch(batch.tokens, {site: found[site] for site in sites})
            continue
        keep = np.ones(len(batch.rows), dtype=np.bool_)
        for site in sites:
            norms = torch.linalg.vector_norm(found[site], dim=1).double().cpu().numpy()
            for window in np.unique(batch.window):
                inside = batch.window == window
                usual = np.median(norms[inside & (norms > 0)]) if norms[inside].any() else 0.0
                keep[inside] &= norms[inside] <= windowing.max_norm_multiple * usual
        table = batch.tokens.take(keep).counted({**batch.tokens.left_out, NORM: int((~keep).sum())})
        kept = torch.from_numpy(keep)
        yield Batch(table, {site: found[site][kept.to(found[site].device)] for site in sites})
