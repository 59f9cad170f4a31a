"""Torch's global generators, seeded for a while, for libraries that draw from nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@contextmanager
def seeded_torch(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Seed the generators of the processor and of a device, and put them back behind; those of others are not touched.

    (``torch.manual_seed`` seeds every graphics card, also those that are not put back.)
    """
    import torch

    place = torch.device(device)
    cards = [place.index or 0] if place.type == "cuda" else []
    with torch.random.fork_rng(devices=cards):
        for generator in (torch.default_generator, *(torch.cuda.default_generators[card] for card in cards)):
            generator.manual_seed(seed)
        yield
