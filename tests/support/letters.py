"""A model that takes no time: each character is a token; site "0" is a row of random numbers, site "1" its tanh."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from geomsim.activations.dictionary import Dictionary
from geomsim.activations.module_source import ModuleSource

WIDTH, LATENTS = 6, 20


def letters_source(**options) -> ModuleSource:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = torch.nn.Sequential(torch.nn.Embedding(256, WIDTH), torch.nn.Tanh())

    def tokenize(text):
        return [ord(letter) % 256 for letter in text], [(place, place + 1) for place in range(len(text))]

    return ModuleSource(module, tokenize, **{"context": 8, "name": "letters", **options})


def letters_dictionary(sha256: str = "d" * 64) -> Dictionary:
    encoder = torch.randn(WIDTH, LATENTS, generator=torch.Generator().manual_seed(1))
    return Dictionary(
        encoder=encoder, encoder_bias=torch.zeros(LATENTS), decoder=encoder.T * 3, decoder_bias=torch.zeros(WIDTH),
        activation="topk", k=3, convention="raw", sha256=sha256,
    )  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of each file below a folder, by its path."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
