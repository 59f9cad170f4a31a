"""Activations of a transformer-lens model, read through its hook points."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.activations.hooks import evaluating, picked_rows
from geomsim.activations.source import Batch, checked_sites, parse_site
from geomsim.activations.text import Document
from geomsim.activations.tokenization import bos_of, load_tokenizer, model_location, tokenization_of
from geomsim.activations.transformers_loading import (
    Precision,
    check_device,
    check_ids,
    checked_context,
    load_model,
    weights_digest,
)
from geomsim.activations.windowed_source import WindowedSource
from geomsim.activations.windows import WindowBatch, Windowing, one_token, read_batches
from geomsim.errors import InvalidModel

if TYPE_CHECKING:
    from torch import Tensor

_HOOKS = {"residual": "blocks.{}.hook_resid_post", "neurons": "blocks.{}.mlp.hook_post"}
_BLOCK = re.compile(r"blocks\.(\d+)\.")
_BEFORE_BLOCKS = re.compile(r"(hook_(pos_)?embed|(pos_)?embed\..*)")


class TransformerLensSource(WindowedSource):
    """A ``TransformerBridge`` read with `names_filter` and stopped after the last block that is wanted (before the
    first, for the embedding alone; behind the last there is no place to stop, so the unembedding runs too).

    Sites other than ``residual:l`` and ``neurons:l`` are hook names: ``blocks.3.hook_mlp_out``. The bridge runs
    the model as published. Its compatibility mode folds the norms and centres the weights that write to the
    residual stream, which changes that stream, so a bridge in that mode is refused.

    Parameters
    ----------
    model
        a directory with config.json, weights and tokenizer, a hub id, or a bridge that is already there.
    device, dtype, revision
        where and in which precision the model runs; ignored for a bridge that is already there.
    context, keep_first, max_norm_multiple, bos
        as in :class:`geomsim.activations.transformers_source.TransformersSource`. The tokenizer of a bridge is made to
        add a beginning-of-text token whatever the model was trained with, so its own files are asked.

    Raises
    ------
    InvalidModel
        where the model or its tokenizer is missing or damaged, the bridge does not know the architecture, or a
        bridge carries processed weights.
    InvalidConfig
        with ``bos=True`` where the tokenizer has no such token.
    """

    def __init__(
        self,
        model: str | Path | Any,
        device: str = "cpu",
        dtype: Precision = "float32",
        revision: str | None = None,
        *,
        context: int | None = None,
        keep_first: bool = False,
        max_norm_multiple: float | None = None,
        bos: bool | None = None,
    ) -> None:
        if isinstance(model, str | Path):
            self._location = model_location(model)
            check_device(device)
            tokenizer = load_tokenizer(self._location, revision)
            first = bos_of(tokenizer, bos)  # of the tokenizer as it is: the bridge changes it
            self._bridge = _boot(self._location, device, dtype, revision, tokenizer)
            self._options: dict[str, Any] = {"device": device, "dtype": dtype, "revision": revision}
        else:
            self._bridge = model
            self._location = str(model.cfg.model_name)
            if model.compatibility_mode or model._weights_processed:
                raise InvalidModel(
                    f"{self._location}: this bridge is in compatibility mode, which folds norms and centres weights "
                    "and so changes the residual stream; boot it again and leave enable_compatibility_mode() out"
                )
            if model.tokenizer is None:
                raise InvalidModel(f"{self._location}: the bridge has no tokenizer; boot it with tokenizer=...")
            first = _own_bos(model.tokenizer, bos)
            weights = next(model.original_model.parameters())
            self._options = {"device": str(weights.device), "dtype": str(weights.dtype).removeprefix("torch.")}
        self._options["weights"] = weights_digest(self._bridge.original_model)
        self._tokenization = replace(tokenization_of(self._bridge.tokenizer, bos=False), bos=first)
        config = self._bridge.original_model.config
        self._windowing = Windowing(checked_context(context, config, self._location), keep_first, max_norm_multiple)

    @property
    def name(self) -> str:
        """The directory's name, or the hub id."""
        return Path(self._location).name if Path(self._location).is_dir() else self._location

    @property
    def provenance(self) -> dict[str, Any]:
        """Model, options, version, and that nothing was folded."""
        from importlib.metadata import version

        return {
            "source": "transformer-lens", "version": version("transformer-lens"), "model": self._location,
            "class": "TransformerBridge", "convention": self.convention, **self._options, **self._reading(),
        }  # fmt: skip

    def sites(self) -> tuple[str, ...]:
        """``residual:0`` to the last block, then ``neurons:0`` to the last where the bridge names them."""
        hooks = self._bridge.hook_dict
        layers = range(int(self._bridge.cfg.n_layers))
        return tuple(f"{kind}:{layer}" for kind in _HOOKS for layer in layers if _HOOKS[kind].format(layer) in hooks)

    def width(self, site: str) -> int:
        """Found by running one token."""
        return int(self._activations(one_token(), {site: self._hook(site)})[site].shape[1])

    def read(self, documents: Sequence[Document], sites: Sequence[str], *, batch_tokens: int = 4096) -> Iterator[Batch]:
        """See :meth:`Source.read`."""
        sites = checked_sites(sites)
        hooks = {site: self._hook(site) for site in sites}
        batches = self._batches(documents, batch_tokens)
        return read_batches(batches, sites, lambda batch: self._activations(batch, hooks), self.width, self._windowing)

    def _hook(self, site: str) -> str:
        parsed = parse_site(site)
        hook = site if parsed is None else _HOOKS[parsed[0]].format(parsed[1])
        if hook not in self._bridge.hook_dict:
            known = [
                name
                for name in self._bridge.hook_dict
                if not name.startswith("blocks.") or name.startswith("blocks.0.")
            ]
            raise InvalidModel(
                f"site {site!r}: {self.name} has no hook point {hook!r} in its {self._bridge.cfg.n_layers} blocks "
                f"(counted from 0); those of block 0 and outside of blocks are {', '.join(sorted(known))}"
            )
        return hook

    def _activations(self, batch: WindowBatch, hooks: dict[str, str]) -> dict[str, Tensor]:
        import torch

        device = next(self._bridge.original_model.parameters()).device
        # Tensors, never strings: the bridge puts a beginning-of-text token before strings.
        ids = torch.from_numpy(batch.ids).to(device)
        check_ids(ids, self._bridge.original_model, self._location)
        with torch.no_grad(), evaluating(self._bridge):
            _, cache = self._bridge.run_with_cache(
                ids,
                names_filter=list(hooks.values()),
                stop_at_layer=_first_not_needed(hooks.values()),
                attention_mask=torch.from_numpy(batch.mask).long().to(device),
            )
        rows = torch.from_numpy(batch.rows).to(device)
        return {site: picked_rows(cache[hook], rows, batch.ids.shape, site) for site, hook in hooks.items()}


def _first_not_needed(hooks: Iterable[str]) -> int | None:
    """The first block that these hook points do not need, 0 for the embedding alone; None for what is behind blocks."""
    last = -1
    for hook in hooks:
        if found := _BLOCK.match(hook):
            last = max(last, int(found[1]))
        elif not _BEFORE_BLOCKS.fullmatch(hook):
            return None
    return last + 1


def _own_bos(tokenizer: Any, wanted: bool | None) -> int | None:
    """The token that windows begin with, for the tokenizer of a bridge; its files say what it does by itself."""
    if wanted is False or (wanted is None and bos_of(tokenizer) is None):
        return None
    try:
        return bos_of(load_tokenizer(str(tokenizer.name_or_path)), wanted)
    except InvalidModel as error:
        raise error.within(
            "whether the model was trained with a beginning-of-text token is asked of its own tokenizer, unless "
            "bos=False is given"
        ) from None


def _boot(location: str, device: str, dtype: Precision, revision: str | None, tokenizer: Any) -> Any:
    import torch

    try:
        from transformer_lens.model_bridge import TransformerBridge
    except ImportError as error:
        raise InvalidModel(
            f"transformer-lens with TransformerBridge (3.9 or newer) is not installed ({error}): "
            "pip install 'geomsim[models]'"
        ) from error
    # The bridge captures attention patterns, which only this implementation gives.
    model = load_model("AutoModelForCausalLM", location, dtype, revision, attn_implementation="eager").to(device).eval()
    try:
        return TransformerBridge.boot_transformers(
            location, device=device, dtype=getattr(torch, dtype), tokenizer=tokenizer, hf_model=model, revision=revision
        )
    except Exception as error:  # an unknown architecture, or one whose parts the bridge does not find
        reason = str(error).strip().split("\n")[0]
        raise InvalidModel(f"{location}: transformer-lens cannot boot this model ({reason})") from error
