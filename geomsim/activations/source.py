"""Where activations come from: one interface over model libraries, modules and arrays.

A *site* is a place in a model, written as a string:

``residual:3``
    the residual stream after block 3, blocks counted from 0. This is the block's *output*: entry 4 of what
    transformers calls ``hidden_states``, whose entry 3 is the block's input.
``neurons:3``
    the hidden units of block 3's MLP after the activation function: the input of the down projection.
anything else
    a name that the source understands: the path of a module inside the model (its output), or, for
    transformer-lens, a hook point.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from geomsim.activations.text import Document
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidModel

if TYPE_CHECKING:
    from torch import Tensor

_SITE = re.compile(r"(residual|neurons):(\d+)")
_RESIDUAL_AFTER = re.compile(r"blocks\.(\d+)\.(?:hook_resid_post|hook_out)")
_RESIDUAL_BEFORE = re.compile(r"blocks\.(\d+)\.(?:hook_resid_pre|hook_in)")
_NEURONS = re.compile(r"blocks\.(\d+)\.mlp\.(?:hook_post|out\.hook_in)")


@dataclass(frozen=True, eq=False)
class Batch:
    """Some tokens and what the model computed for them.

    Parameters
    ----------
    tokens
        the kept tokens of this batch; `left_out` counts those of this batch that were not kept.
    activations
        (rows, width of the site) float32 for each site that was asked for, on the source's device.
    """

    tokens: TokenTable
    activations: Mapping[str, Tensor]


class Source(ABC):
    """Something that turns documents into activations, batch by batch.

    :meth:`read` is called once per text and must visit the documents in their order. What it gives must not
    depend on how the text falls into batches.
    """

    #: What the numbers mean: "raw" is the model as published; "centred" has each residual row's mean removed.
    convention: ClassVar[str] = "raw"

    @property
    @abstractmethod
    def name(self) -> str:
        """Shown in results."""

    @property
    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """Everything needed to read the same activations again; goes into manifests as JSON."""

    @abstractmethod
    def sites(self) -> tuple[str, ...]:
        """The sites that have a name of their own; others may exist."""

    @abstractmethod
    def width(self, site: str) -> int:
        """How many numbers a token has at this site. InvalidModel where there is no such site."""

    @abstractmethod
    def read(self, documents: Sequence[Document], sites: Sequence[str], *, batch_tokens: int = 4096) -> Iterator[Batch]:
        """Batches of about `batch_tokens` tokens in reading order, with all sites from one forward pass."""


def parse_site(site: str) -> tuple[str, int] | None:
    """``("residual", 3)`` for ``"residual:3"``; None for a site that is a name of the source's own.

    >>> parse_site("neurons:0"), parse_site("h.0.attn")
    (('neurons', 0), None)
    """
    found = _SITE.fullmatch(site)
    if found:
        return found[1], int(found[2])
    if site.split(":")[0] in ("residual", "neurons"):
        raise InvalidModel(
            f"site {site!r}: a block number is needed, as in 'residual:0' for the output of the first block"
        )
    return None


def canonical_site(name: str) -> str:
    """The site that a transformer-lens hook name stands for, or the name itself.

    The input of block 3 is the output of block 2.

    >>> canonical_site("blocks.3.hook_resid_post"), canonical_site("blocks.3.hook_resid_pre")
    ('residual:3', 'residual:2')
    """
    if found := _RESIDUAL_AFTER.fullmatch(name):
        return f"residual:{int(found[1])}"
    if (found := _RESIDUAL_BEFORE.fullmatch(name)) and int(found[1]) > 0:
        return f"residual:{int(found[1]) - 1}"
    if found := _NEURONS.fullmatch(name):
        return f"neurons:{int(found[1])}"
    return name


def check_convention(called: str, convention: Any) -> None:
    """InvalidModel where a dictionary's convention is none of :attr:`Source.convention`, nor ""."""
    if convention not in ("", "raw", "centred"):
        raise InvalidModel(
            f"{called}: convention {convention!r}: 'raw' (the model as published), 'centred' (norms folded, weights "
            "centred) or '' (unknown) is needed"
        )


def checked_sites(sites: Sequence[str]) -> tuple[str, ...]:
    """The sites as a tuple, or InvalidModel where there are none, one string, or one twice."""
    if isinstance(sites, str):
        raise InvalidModel(f"sites must be a list: write [{sites!r}]")
    if not sites:
        raise InvalidModel("no sites to read: name at least one, 'residual:0' say")
    if len(set(sites)) != len(sites):
        raise InvalidModel(f"a site is named twice: {', '.join(sites)}")
    return tuple(sites)
