"""What sources that cut text into windows of tokens have in common."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from geomsim.activations.cuts import Cuts
from geomsim.activations.source import Source
from geomsim.activations.text import Document
from geomsim.activations.tokenization import Tokenization
from geomsim.activations.windows import WindowBatch, Windowing, window_batches
from geomsim.errors import GeomsimWarning

if TYPE_CHECKING:
    from geomsim.activations.dictionary import Dictionary


class WindowedSource(Source):
    """A source with a tokenizer and windows; a child sets `_tokenization` and `_windowing`."""

    _tokenization: Tokenization
    _windowing: Windowing
    _cuts: Cuts | None = None

    @property
    def tokenization(self) -> Tokenization:
        """From text to tokens and their characters."""
        return self._tokenization

    @property
    def context(self) -> int:
        """Tokens per window, at most, a beginning-of-text token among them."""
        return self._windowing.context

    def cut_at(self, cuts: Cuts | None) -> Self:
        """The same source, its windows ended by these cuts (:func:`geomsim.activations.cuts.common_cuts`).

        It reads only documents that the cuts were made for. None gives windows of `context` tokens again. The model is
        shared, not copied.
        """
        other = copy.copy(self)
        other._cuts = cuts
        return other

    def _batches(
        self, documents: Sequence[Document], batch_tokens: int, *, equal_lengths: bool = False
    ) -> Iterator[WindowBatch]:
        return window_batches(
            documents, self._tokenization, self._windowing,
            batch_tokens=batch_tokens, equal_lengths=equal_lengths, cuts=self._cuts,
        )  # fmt: skip

    def _reading(self) -> dict[str, Any]:
        """How the text is cut and tokenized, for the provenance; what is usual is not written down."""
        found: dict[str, Any] = dict(vars(self._windowing))
        if self._tokenization.offsets != "tokenizer":
            found["offsets"] = self._tokenization.offsets
        if self._tokenization.bos is not None:
            found["bos"] = self._tokenization.bos
        if self._cuts is not None:
            found["cuts"] = self._cuts.provenance
        return found


def tell_other_beginning(source: Source, dictionary: Dictionary) -> None:
    """A GeomsimWarning where a dictionary says that it was trained on windows that began otherwise.

    With a beginning-of-text token, that is, or without. Only sae-lens writes it down (``prepend_bos``).
    """
    trained = dictionary.provenance.get("prepend_bos")
    if not isinstance(source, WindowedSource) or not isinstance(trained, bool):
        return
    if trained is not (source.tokenization.bos is not None):
        how, read = ("with", "without") if trained else ("without", "with")
        warnings.warn(
            f"the dictionary {dictionary.name!r} was trained {how} a beginning-of-text token before each window "
            f"(prepend_bos), and {source.name} is read {read} one; its codes are other ones then, unless it is read "
            f"with bos={trained} ({'--bos' if trained else '--no-bos'})",
            GeomsimWarning,
            stacklevel=3,
        )
