"""Models that predict the next token and can be intervened upon: a source of activations with its head."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from geomsim.activations.hooks import Tap, submodule
from geomsim.activations.source import canonical_site
from geomsim.activations.text import Document
from geomsim.activations.windowed_source import WindowedSource, tell_other_beginning
from geomsim.activations.windows import WindowBatch
from geomsim.errors import InvalidModel

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from geomsim.activations.dictionary import Dictionary


class Predictor(WindowedSource):
    """A source that also predicts: token numbers in, a distribution over the vocabulary out."""

    #: Whether windows of different lengths may stand in one batch, padded and masked.
    pads: bool = True

    @property
    @abstractmethod
    def module(self) -> Module:
        """What is run, head included; paths of :meth:`tap` begin here."""

    @property
    @abstractmethod
    def spellings(self) -> tuple[str, ...]:
        """How the tokenizer itself writes each token; two models with equal ones have one vocabulary."""

    @property
    @abstractmethod
    def vocabulary(self) -> tuple[str | None, ...]:
        """The characters of each token, None for special tokens and for those that are no whole characters."""

    @abstractmethod
    def predict(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits of the next token, (windows, positions, vocabulary), from ids and mask (windows, positions) int64."""

    @abstractmethod
    def tap(self, site: str) -> Tap:
        """The module whose output or input is the site. InvalidModel where there is none."""

    def head(self) -> Module | None:
        """The module that makes logits of each position by itself, where it is known: it is run where needed only."""
        return None

    def blocks_through(self, site: str) -> tuple[Module, ...]:
        """The blocks from the first to the one whose output the site is; none where that is not known."""
        return ()

    def window_batches(self, documents: Sequence[Document], batch_tokens: int = 4096) -> Iterator[WindowBatch]:
        """The windows of the text in reading order."""
        return self._batches(documents, batch_tokens, equal_lengths=not self.pads)

    def checked_site(self, dictionary: Dictionary, site: str | None = None) -> str:
        """The site given, or the dictionary's own. InvalidModel where none is known, or the dictionary does not fit."""
        found = site or dictionary.site
        if found is None:
            raise InvalidModel(
                f"the dictionary {dictionary.name!r} does not say where it was trained: give its site, 'residual:0' say"
            )
        submodule(self.module, self.tap(found).path, found)
        dictionary.check_fits(self.width(found), site=canonical_site(found), convention=self.convention)
        tell_other_beginning(self, dictionary)
        return found
