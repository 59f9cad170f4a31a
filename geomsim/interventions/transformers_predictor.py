"""A transformers language model, read, intervened upon and asked for its next token."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.activations.hooks import Tap
from geomsim.activations.source import parse_site
from geomsim.activations.transformers_loading import Precision, check_ids, load_model
from geomsim.activations.transformers_source import TransformersSource
from geomsim.errors import InvalidModel
from geomsim.interventions.predictor import Predictor

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

_BROKEN = "\N{REPLACEMENT CHARACTER}"  # what a decoder writes for bytes that are no character


class TransformersPredictor(TransformersSource, Predictor):
    """A causal language model of transformers with its head.

    Parameters
    ----------
    path_or_id, device, dtype, revision, tokenizer, context, keep_first, bos
        as for :class:`geomsim.activations.TransformersSource`, whose sites and windows it has.

    Raises
    ------
    InvalidModel
        as there, and where the weights of the head are missing.
    """

    def __init__(
        self,
        path_or_id: str | Path,
        device: str = "cpu",
        dtype: Precision = "float32",
        revision: str | None = None,
        *,
        tokenizer: str | Path | None = None,
        context: int | None = None,
        keep_first: bool = False,
        bos: bool | None = None,
    ) -> None:
        super().__init__(
            path_or_id, device, dtype, revision, tokenizer=tokenizer, context=context, keep_first=keep_first, bos=bos
        )
        del self._model  # the same weights come again with the head
        self._causal = load_model("AutoModelForCausalLM", self._location, dtype, revision).to(device).eval()
        self._model = self._causal.base_model
        if self._causal.get_output_embeddings() is None:
            raise InvalidModel(f"{self._location}: {type(self._causal).__name__} has no head that predicts tokens")

    @property
    def module(self) -> Module:
        """The model with its head."""
        model: Module = self._causal
        return model

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """As the tokenizer's own files spell the tokens."""
        return tuple(self.token_texts(range(self._n_tokens)))

    @cached_property
    def vocabulary(self) -> tuple[str | None, ...]:
        """Decoded behind another token, since some decoders drop the space that a text begins with."""
        first = self._tokenization.tokenize("x")[0][-1:]
        before = self._decoded(list(first))
        special = self._tokenization.special_ids
        texts: list[str | None] = []
        for number in range(self._n_tokens):
            text = self._decoded([*first, number])
            whole = number not in special and text.startswith(before) and len(text) > len(before)
            texts.append(text[len(before) :] if whole and _BROKEN not in text else None)
        return tuple(texts)

    def predict(self, ids: Tensor, mask: Tensor) -> Tensor:
        """See :meth:`Predictor.predict`."""
        check_ids(ids, self._causal, self._location)
        logits: Tensor = self._causal(input_ids=ids, attention_mask=mask, use_cache=False).logits
        return logits

    def tap(self, site: str) -> Tap:
        """See :meth:`Predictor.tap`."""
        found = self._tap(site)
        return Tap(f"{self._prefix}{found.path}", found.side)

    def head(self) -> Module | None:
        """The output embedding."""
        found: Module = self._causal.get_output_embeddings()
        return found

    def blocks_through(self, site: str) -> tuple[Module, ...]:
        """See :meth:`Predictor.blocks_through`."""
        parsed = parse_site(site)
        if parsed is None or parsed[0] != "residual":
            return ()
        blocks: Any = self._model.get_submodule(self._blocks())
        return tuple(blocks[number] for number in range(parsed[1] + 1))

    @property
    def _n_tokens(self) -> int:
        """Tokens that the tokenizer knows and the head predicts; either may have more."""
        head: Any = self.head()
        return min(len(self._tokenizer), int(head.weight.shape[0]))

    @property
    def _prefix(self) -> str:
        """The path of the model inside the one with the head."""
        if self._model is self._causal:
            return ""
        return next(f"{path}." for path, part in self._causal.named_modules() if part is self._model)

    def _decoded(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
