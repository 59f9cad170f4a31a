"""Which latents of a dictionary fire: the rules, and the few firings among many latents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from geomsim.errors import InvalidModel

if TYPE_CHECKING:
    from torch import Tensor

Activation = Literal["relu", "topk", "groupmax", "jumprelu"]

_KINDS = ("relu", "topk", "groupmax", "jumprelu")
_COUNTED = ("topk", "groupmax")


def check_activation(
    called: str, activation: str, k: int | None, latents: int, threshold: Tensor | float | None
) -> None:
    """Raise InvalidModel for a rule that does not exist, or whose k or threshold is missing, too much or impossible."""
    if activation not in _KINDS:
        raise InvalidModel(f"{called}: activation {activation!r} is not supported; {', '.join(_KINDS)} are")
    if activation in _COUNTED and not (k and 1 <= k <= latents):
        raise InvalidModel(f"{called}: k is {k}; a number from 1 to {latents} latents is needed")
    if activation == "groupmax" and k and latents % k:
        raise InvalidModel(f"{called}: {latents} latents do not fall into k = {k} groups of one size")
    for part, value, used in (("k", k, activation in _COUNTED), ("threshold", threshold, activation == "jumprelu")):
        if value is not None and not used:
            raise InvalidModel(f"{called}: a {activation} dictionary has no {part}")


def least_to_exceed(norms: Tensor, threshold: Tensor | None) -> Tensor:
    """What each latent must exceed to fire, (latents,): 0 or its threshold; one that writes nothing never fires."""
    least = norms.new_zeros(norms.shape) if threshold is None else threshold.clamp(min=0)
    return least.where(norms > 0, least.new_full((), float("inf")))


def firings(before: Tensor, activation: Activation, k: int | None, least: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What fires, from (rows, latents) before the activation.

    Returns
    -------
    tuple
        how many latents fire in each row, (rows,); and, row by row, the latent of each firing in ascending order, and
        its value.
    """
    import torch

    latents = before.shape[1]
    if activation in _COUNTED and k:
        if activation == "topk":
            column = before.topk(k, dim=1, sorted=False).indices.sort(dim=1).values
        else:
            first = torch.arange(0, latents, latents // k, device=before.device)
            column = before.view(len(before), k, latents // k).argmax(dim=2) + first
        value = before.gather(1, column)
        fires = value > least[column]
        return fires.sum(1), column[fires], value[fires]
    fires = before > least
    # numpy finds the few among many several times faster than torch does on the CPU.
    flat = (
        torch.from_numpy(np.flatnonzero(fires.numpy()))
        if fires.device.type == "cpu"
        else fires.view(-1).nonzero().squeeze(1)
    )
    count = torch.bincount(flat // latents, minlength=len(before))
    return count, flat % latents, before.view(-1)[flat]
