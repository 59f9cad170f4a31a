"""On which tokens the predictions of two models can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InvalidModel
from geomsim.interventions.predictor import Predictor


@dataclass(frozen=True, eq=False)
class SharedVocabulary:
    """Tokens that both models can predict: number ``left[k]`` of one is number ``right[k]`` of the other.

    Parameters
    ----------
    left, right
        (shared,) token numbers.
    texts
        (shared,) how each is shown.
    by
        "number", where both tokenizers have the same tokens; "text", where tokens stand for the same characters.
    left_only, right_only
        how many tokens of either side are left out, special ones among them.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    texts: tuple[str, ...]
    by: Literal["number", "text"]
    left_only: int
    right_only: int

    def __len__(self) -> int:
        return len(self.left)


def shared_vocabulary(left: Predictor, right: Predictor) -> SharedVocabulary:
    """The shared tokens of two models.

    Where both tokenizers spell all tokens alike, all but special ones are shared, by number. Otherwise tokens are
    shared that stand for the same characters, white space included, and are the only ones of their side that do. A
    token " the" of one model may then be the beginning of longer tokens of the other: its prediction is that of the
    next token, not of the next word.

    Raises
    ------
    InvalidModel
        where fewer than three tokens are shared, on which no correlation is defined.
    """
    texts = left.vocabulary, right.vocabulary
    if left.spellings == right.spellings:
        special = left.tokenization.special_ids | right.tokenization.special_ids
        numbers = np.array([number for number in range(len(left.spellings)) if number not in special])
        shown = tuple(texts[0][number] or left.spellings[number] for number in numbers.tolist())
        out = len(left.spellings) - len(numbers)
        return SharedVocabulary(numbers, numbers, shown, "number", out, out)
    places = [_places(each) for each in texts]
    common = [text for text in places[0] if text in places[1]]
    if len(common) < 3:
        raise InvalidModel(
            f"{left.name} and {right.name} have {len(common)} tokens in common ({len(places[0])} and {len(places[1])} "
            "are whole characters): there is nothing on which their predictions could be compared"
        )
    sides = [np.array([place[text] for text in common]) for place in places]
    left_only, right_only = (len(each) - len(common) for each in texts)
    return SharedVocabulary(sides[0], sides[1], tuple(common), "text", left_only, right_only)


def _places(texts: Sequence[str | None]) -> dict[str, int]:
    """Where each text stands that stands there once."""
    times = Counter(texts)
    return {text: number for number, text in enumerate(texts) if text is not None and times[text] == 1}
