"""Words and punctuation marks that a simulated text is made of."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geomsim_synthetic.randomness import Draw, generator

#: Marks that junk features fire on, one each; every mark stands by itself between spaces.
PUNCTUATION = (".", ",", ";", ":", "!", "?", "(", ")", "[", "]", "{", "}", "/", "&", "%", "#", "=", "+", "*", "~")
N_WORDS = 1000
_ONSETS = ["b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "kl", "st"]
_VOWELS = ["a", "e", "i", "o", "u", "é", "ö"]
# The accented vowels are as rare as in a text of mixed languages.
_VOWEL_SHARES = np.array([0.2, 0.2, 0.2, 0.19, 0.19, 0.01, 0.01])
# From these places on a word has one syllable more: short ones run out.
_LONGER_FROM = (60, 400, 800)


@lru_cache(maxsize=8)
def words(seed: int) -> tuple[str, ...]:
    """`N_WORDS` different words of one to four syllables, the short ones first (the most frequent are short)."""
    random = generator(seed, Draw.VOCABULARY)
    made: dict[str, None] = {}
    while len(made) < N_WORDS:
        n_syllables = 1 + sum(len(made) >= bound for bound in _LONGER_FROM)
        syllables = (
            str(random.choice(_ONSETS)) + str(random.choice(_VOWELS, p=_VOWEL_SHARES)) for _ in range(n_syllables)
        )
        made.setdefault("".join(syllables))
    return tuple(made)


def symbols(seed: int) -> tuple[str, ...]:
    """All that can stand in a text: the punctuation marks, then the words. Symbol numbers index it."""
    return PUNCTUATION + words(seed)


def draw_symbols(generator: np.random.Generator, n_tokens: int, junk: int, junk_rate: float) -> NDArray[np.int64]:
    """The symbol of each token: one of the first `junk` marks with probability `junk_rate` in all, else a Zipf word."""
    uniform = generator.random((n_tokens, 2))
    mass = np.cumsum(1.0 / np.arange(1, N_WORDS + 1))
    word = len(PUNCTUATION) + np.searchsorted(mass / mass[-1], uniform[:, 1], side="right")
    if not junk:
        return word
    mark = (uniform[:, 1] * junk).astype(np.int64)
    return np.where(uniform[:, 0] < junk_rate, mark, word)
