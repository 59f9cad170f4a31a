"""Activations of a transformers model: a local directory or a hub id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.hooks import Tap, paths_of, read_taps, submodule, width_at
from geomsim.activations.source import Batch, checked_sites, parse_site
from geomsim.activations.text import Document
from geomsim.activations.tokenization import load_tokenizer, model_location, tokenization_of
from geomsim.activations.transformers_loading import (
    Precision,
    check_device,
    check_ids,
    checked_context,
    load_model,
    weights_digest,
)
from geomsim.activations.windowed_source import WindowedSource
from geomsim.activations.windows import Windowing, read_batches
from geomsim.errors import InvalidModel

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

# Where model families keep their blocks, below what AutoModel gives (the model without its head) ...
_BLOCKS = (
    "h",  # GPT-2, GPT-J, GPT-Neo, Bloom, Falcon
    "layers",  # Llama, Qwen, Mistral, Gemma, GPT-NeoX (Pythia), Phi, OLMo
    "decoder.layers",  # OPT
    "language_model.layers",  # Gemma 3 and others that also see
)
# ... and, inside a block, the MLP's matrix that writes to the residual stream.
_DOWN_PROJECTIONS = (
    "mlp.down_proj",  # Llama, Qwen, Mistral, Gemma, OLMo
    "mlp.c_proj",  # GPT-2 (a Conv1D), GPT-Neo
    "mlp.dense_4h_to_h",  # GPT-NeoX, Bloom, Falcon
    "mlp.fc_out",  # GPT-J
    "mlp.fc2",  # Phi
    "fc2",  # OPT
)


class TransformersSource(WindowedSource):
    """A transformers model read through forward hooks, stopped after the last site that is wanted.

    Parameters
    ----------
    path_or_id
        a directory with config.json, weights and tokenizer, or a hub id.
    device, dtype, revision
        where and in which precision the model runs (activations are float32 always); a hub revision.
    tokenizer
        directory or hub id of the tokenizer, where it does not lie with the model.
    context
        tokens per window; by default what the model can take, at most 1,024.
    keep_first, max_norm_multiple
        what is left out; see :mod:`geomsim.activations.windows`.
    bos
        whether each window begins with the beginning-of-text token. By default where the tokenizer puts one before a
        text by itself, as those of Gemma and Llama do: such a model was trained with it, and so were its dictionaries.

    Raises
    ------
    InvalidModel
        where the directory, a weight, or the tokenizer is missing or damaged.
    InvalidConfig
        with ``bos=True`` where the tokenizer has no such token.
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
        max_norm_multiple: float | None = None,
        bos: bool | None = None,
    ) -> None:
        check_device(device)
        self._location = model_location(path_or_id)
        place = self._location if tokenizer is None else str(tokenizer)
        self._tokenizer = load_tokenizer(place, revision if tokenizer is None else None)
        self._tokenization = tokenization_of(self._tokenizer, bos)
        self._model = load_model("AutoModel", self._location, dtype, revision).to(device).eval()
        self._windowing = Windowing(
            checked_context(context, self._model.config, self._location), keep_first, max_norm_multiple
        )
        self._options = {
            "device": device, "dtype": dtype, "revision": revision, "tokenizer": place,
            "weights": weights_digest(self._model),
        }  # fmt: skip

    @property
    def name(self) -> str:
        """The directory's name, or the hub id."""
        return Path(self._location).name if Path(self._location).is_dir() else self._location

    @property
    def provenance(self) -> dict[str, Any]:
        """Model, options and version."""
        import transformers

        return {
            "source": "transformers", "version": transformers.__version__, "model": self._location,
            "class": type(self._model).__name__, "convention": self.convention,
            **self._options, **self._reading(),
        }  # fmt: skip

    @property
    def n_blocks(self) -> int:
        """How many blocks the model has."""
        return len(submodule(self._model, self._blocks(), "residual:0")._modules)

    def sites(self) -> tuple[str, ...]:
        """``residual:0`` to the last block, then ``neurons:0`` to the last; module paths where blocks are unknown."""
        if _first_present(self._model, _BLOCKS) is None:
            return tuple(path for path, _ in self._model.named_modules() if path)
        kinds = ["residual"]
        if _first_present(self._model.get_submodule(f"{self._blocks()}.0"), _DOWN_PROJECTIONS) is not None:
            kinds.append("neurons")
        return tuple(f"{kind}:{layer}" for kind in kinds for layer in range(self.n_blocks))

    def width(self, site: str) -> int:
        """Found by running one token."""
        return width_at(self._model, self._tap(site), site, self._forward)

    def read(self, documents: Sequence[Document], sites: Sequence[str], *, batch_tokens: int = 4096) -> Iterator[Batch]:
        """See :meth:`Source.read`."""
        sites = checked_sites(sites)
        taps = {site: self._tap(site) for site in sites}
        batches = self._batches(documents, batch_tokens)
        return read_batches(
            batches,
            sites,
            lambda batch: read_taps(self._model, taps, batch, self._forward),
            self.width,
            self._windowing,
        )

    def neuron_directions(self, layer: int) -> NDArray[np.float32]:
        """What each hidden unit of a block's MLP writes to the residual stream: (neurons, width).

        Row i is the direction of column i of the site ``neurons:{layer}``.
        """
        from torch import nn

        matrix: Any = submodule(self._model, self._tap(f"neurons:{layer}").path, f"neurons:{layer}")
        weight = matrix.weight.detach().float().cpu().numpy()
        # nn.Linear keeps (out, in); the Conv1D of GPT-2 keeps (in, out).
        return np.ascontiguousarray(weight.T if isinstance(matrix, nn.Linear) else weight)

    def token_texts(self, token_ids: Sequence[int]) -> list[str]:
        """The tokenizer's own spelling of each token number."""
        return [str(text) for text in self._tokenizer.convert_ids_to_tokens([int(number) for number in token_ids])]

    def _forward(self, ids: Tensor, mask: Tensor) -> object:
        check_ids(ids, self._model, self._location)
        return self._model(input_ids=ids, attention_mask=mask, use_cache=False)

    def _tap(self, site: str) -> Tap:
        parsed = parse_site(site)
        if parsed is None:
            submodule(self._model, site, site)
            return Tap(site)
        kind, layer = parsed
        blocks = self._blocks()
        if layer >= self.n_blocks:
            raise InvalidModel(
                f"site {site!r}: {self.name} has {self.n_blocks} blocks, counted from 0; "
                f"the last is {self.n_blocks - 1}"
            )
        if kind == "residual":
            return Tap(f"{blocks}.{layer}")
        block = self._model.get_submodule(f"{blocks}.{layer}")
        down = _first_present(block, _DOWN_PROJECTIONS)
        if down is None:
            raise InvalidModel(
                f"site {site!r}: the MLP of {type(block).__name__} has none of the output matrices known here "
                f"({', '.join(_DOWN_PROJECTIONS)}); name a module path instead; {paths_of(self._model)}"
            )
        return Tap(f"{blocks}.{layer}.{down}", "input")

    def _blocks(self) -> str:
        found = _first_present(self._model, _BLOCKS)
        if found is None:
            raise InvalidModel(
                f"{self.name}: {type(self._model).__name__} keeps its blocks at none of the places known here "
                f"({', '.join(_BLOCKS)}); name a module path instead of a block number; {paths_of(self._model)}"
            )
        return found


def _first_present(module: Module, paths: Sequence[str]) -> str | None:
    present = {path for path, _ in module.named_modules()}
    return next((path for path in paths if path in present), None)
