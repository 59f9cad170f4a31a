"""Loading models with transformers: weights all in place, contexts that fit, and which weights they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from geomsim.activations.tokenization import Tokenization, load_tokenizer, model_location, tokenization_of
from geomsim.errors import InvalidConfig, InvalidModel

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Precision = Literal["float32", "bfloat16", "float16"]

_DEFAULT_CONTEXT = 1024
_NUMBERS_PER_WEIGHT = 128


def check_device(device: str) -> None:
    """InvalidConfig where torch has no such device."""
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).split("\n")[0]
        raise InvalidConfig(f"device {device!r} cannot be used ({first}); leave it out to use the CPU") from None


def load_model(auto_class: str, location: str, dtype: Precision, revision: str | None, **options: Any) -> Any:
    """A model with every weight in place; InvalidModel where one is missing or the files are damaged."""
    import torch
    import transformers

    if dtype not in ("float32", "bfloat16", "float16"):
        raise InvalidConfig(f"dtype {dtype!r}: choose float32, bfloat16 or float16")
    try:
        with quiet():
            model, report = getattr(transformers, auto_class).from_pretrained(
                location, dtype=getattr(torch, dtype), revision=revision, output_loading_info=True, **options
            )
    except Exception as error:  # transformers, safetensors and the hub raise without a common parent
        reason = str(error).strip().split("\n")[0]
        known = "" if Path(location).is_dir() else "; it is no directory here either"
        raise InvalidModel(
            f"{location}: the model could not be read ({type(error).__name__}: {reason}){known}"
        ) from error
    missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise InvalidModel(
            f"{location}: {len(missing)} weights are not in the files, {', '.join(missing[:4])} first; "
            "transformers would fill them with random numbers"
        )
    return model


def checked_context(context: int | None, config: Any, location: str) -> int:
    """Tokens per window: what was asked for, or what the model can take and at most 1,024."""
    text = config.get_text_config()
    named = [getattr(text, key, None) for key in ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")]
    longest = next((int(value) for value in named if value), None)
    if context is None:
        return _DEFAULT_CONTEXT if longest is None else min(longest, _DEFAULT_CONTEXT)
    if longest is not None and context > longest:
        raise InvalidConfig(f"{location}: windows of {context} tokens were asked for, but the model takes {longest}")
    return context


def weights_digest(model: Module) -> str:
    """Which weights these are: a hash of names, shapes and some 128 numbers of each, 16 hex digits.

    A model that was trained on, or anew, has another one; it takes no reading of all weights.
    """
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        flat = weight.detach().reshape(-1)
        step = max(1, len(flat) // _NUMBERS_PER_WEIGHT)
        digest.update(f"{name} {tuple(weight.shape)} ".encode())
        digest.update(flat[::step].double().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class TextReader:
    """How a model cuts text into tokens and windows, without its weights; for :func:`common_cuts`."""

    tokenization: Tokenization
    context: int

    @classmethod
    def of(cls, path_or_id: str | Path, context: int | None = None, bos: bool | None = None) -> Self:
        """That of a transformers directory or hub id."""
        from transformers import AutoConfig

        location = model_location(path_or_id)
        tokenization = tokenization_of(load_tokenizer(location), bos)
        return cls(tokenization, checked_context(context, AutoConfig.from_pretrained(location), location))


def check_ids(ids: Tensor, model: Module, location: str) -> None:
    """InvalidModel where the tokenizer knows a token that the model does not."""
    embeddings: Any = model.get_input_embeddings()  # type: ignore[operator]
    if int(ids.max()) >= embeddings.weight.shape[0]:
        raise InvalidModel(
            f"{location}: the tokenizer gives token {int(ids.max())}, but the model knows {embeddings.weight.shape[0]} "
            "tokens; this tokenizer belongs to another model"
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars and remarks that transformers prints while it loads."""
    from transformers.utils import logging as library_logging

    logging: Any = library_logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
