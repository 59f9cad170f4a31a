"""Any torch module that predicts the next token, intervened upon by the paths of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from geomsim.activations.hooks import Tap
from geomsim.activations.module_source import ModuleSource
from geomsim.activations.tokenization import Tokenize
from geomsim.errors import InvalidModel
from geomsim.interventions.predictor import Predictor

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


class ModulePredictor(ModuleSource, Predictor):
    """A ``torch.nn.Module`` from (windows, positions) token numbers to (windows, positions, vocabulary) logits.

    Parameters
    ----------
    module, tokenize, context, special_ids, pad_id, keep_first, bos, name
        as for :class:`geomsim.activations.ModuleSource`.
    words
        the characters of each token number, as many as the module has logits.
    predict
        called with ids and mask to give the logits. Without it the module is called with ids alone, and no batch mixes
        windows of different lengths.
    """

    def __init__(
        self,
        module: Module,
        tokenize: Tokenize,
        words: Sequence[str],
        *,
        context: int,
        predict: Callable[[Tensor, Tensor], Tensor] | None = None,
        special_ids: Iterable[int] = (),
        pad_id: int = 0,
        keep_first: bool = False,
        bos: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(
            module, tokenize, context=context, forward=predict, special_ids=special_ids, pad_id=pad_id,
            keep_first=keep_first, bos=bos, name=name,
        )  # fmt: skip
        self.pads = predict is not None
        self._words = tuple(words)

    @property
    def module(self) -> Module:
        """What was given."""
        return self._module

    @property
    def spellings(self) -> tuple[str, ...]:
        """The words."""
        return self._words

    @property
    def vocabulary(self) -> tuple[str | None, ...]:
        """The words, None for special tokens."""
        special = self._tokenization.special_ids
        return tuple(None if number in special else word for number, word in enumerate(self._words))

    def predict(self, ids: Tensor, mask: Tensor) -> Tensor:
        """See :meth:`Predictor.predict`."""
        import torch

        logits = self._run(ids, mask)
        if not isinstance(logits, torch.Tensor) or logits.shape[-1] != len(self._words):
            found = f"{tuple(logits.shape)}" if isinstance(logits, torch.Tensor) else f"a {type(logits).__name__}"
            raise InvalidModel(
                f"{self._name}: (windows, positions, {len(self._words)}) logits are needed, one for each word, and the "
                f"module gives {found}"
            )
        return logits

    def tap(self, site: str) -> Tap:
        """See :meth:`Predictor.tap`."""
        return self._tap(site)
