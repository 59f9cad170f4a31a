"""Which latents take part in pairing, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.activations.codes import Codes
from geomsim.activations.latent_tokens import TopTokens
from geomsim.activations.token_kinds import TokenKinds, read_token_kinds
from geomsim.errors import InvalidConfig, InvalidPairing

if TYPE_CHECKING:
    import pandas as pd

NonConceptRule = Literal["any", "most"]


@dataclass(frozen=True, eq=False)
class LatentMask:
    """Which latents of one side are kept, and a reason for each of the others.

    Masks are joined by ``&``; of two reasons the first stays.

    Parameters
    ----------
    keep
        (latents,) of truth values.
    reasons
        (latents,) of strings, "" where a latent is kept; or one string for all that are not.

    Raises
    ------
    InvalidPairing
        where `keep` is no list of truth values, or a latent that is not kept has no reason.

    >>> mask = LatentMask([True, False, True], "a bad token") & LatentMask([True, False, False], "too wide")
    >>> mask.keep, mask.removed
    (array([ True, False, False]), {'a bad token': 1, 'too wide': 1})
    """

    keep: NDArray[np.bool_]
    reasons: NDArray[np.object_]

    def __init__(self, keep: ArrayLike, reasons: str | Sequence[str] | NDArray[Any] = "left_out_by_user") -> None:
        mask = np.array(keep)
        if mask.ndim != 1 or mask.dtype != np.bool_:
            raise InvalidPairing(
                f"a mask is a list of true and false, one for each latent; got {mask.dtype} of shape {mask.shape}"
            )
        if not isinstance(reasons, str) and len(reasons) != len(mask):
            raise InvalidPairing(f"a mask of {len(mask)} latents needs as many reasons, got {len(reasons)}")
        said = np.empty(len(mask), dtype=object)
        said[:] = reasons
        said[mask] = ""
        silent = ~mask & (said == "")
        if silent.any():
            raise InvalidPairing(f"latent {int(np.argmax(silent))} is not kept and has no reason")
        mask.flags.writeable = said.flags.writeable = False
        object.__setattr__(self, "keep", mask)
        object.__setattr__(self, "reasons", said)

    @property
    def removed(self) -> dict[str, int]:
        """How many latents are not kept, by reason, the most frequent first."""
        return dict(Counter(reason for reason in self.reasons.tolist() if reason).most_common())

    def __and__(self, other: LatentMask) -> Self:
        if len(other) != len(self):
            raise InvalidPairing(f"two masks of one side differ in length: {len(self)} and {len(other)} latents")
        return type(self)(self.keep & other.keep, np.where(self.keep, other.reasons, self.reasons))

    def __len__(self) -> int:
        return len(self.keep)

    def to_frame(self) -> pd.DataFrame:
        """Columns latent, keep, reason."""
        import pandas as pd

        return pd.DataFrame({"latent": np.arange(len(self)), "keep": self.keep, "reason": self.reasons})

    def __repr__(self) -> str:
        return f"LatentMask({int(self.keep.sum())} of {len(self)} latents kept, {self.removed})"


def few_firings(codes: Codes, min_firings: int) -> LatentMask:
    """Latents that fire on at least `min_firings` tokens; the others are ``silent`` or have ``few_firings``.

    :func:`geomsim.correlate` applies its own threshold too; this one may differ between the sides.
    """
    firings = codes.firings()
    return LatentMask(firings >= min_firings, np.where(firings == 0, "silent", "few_firings").astype(object))


def non_concepts(
    top_tokens: TopTokens | Sequence[Sequence[str]],
    *,
    rule: NonConceptRule = "most",
    top: int = 5,
    kinds: TokenKinds | str | Path | None = None,
) -> LatentMask:
    """Leave out latents whose top tokens are punctuation, white space, line ends or special tokens.

    Parameters
    ----------
    top_tokens
        of each latent, strongest first: what :func:`top_tokens_table` gives, or lists of strings.
    rule
        "most": more than half of the tokens looked at are no concept; "any": at least one is not.
    top
        how many tokens are looked at; where a latent has fewer, those there are. One without any is kept here.
    kinds
        which tokens are no concept: a file as :func:`write_token_kinds` writes it, or what was read from one.

    Returns
    -------
    LatentMask
        the reason is "non_concept: " and the kind of most of these tokens (of the stronger one where two are even).

    Raises
    ------
    InvalidConfig
        for another rule, `top` below 1, or a file that is not as it should be.

    >>> non_concepts([[" tea", " cup", ","], [",", ";", "\\n"], []]).reasons.tolist()
    ['', 'non_concept: punctuation', '']
    """
    if rule not in get_args(NonConceptRule):
        raise InvalidConfig(f"rule must be one of {', '.join(get_args(NonConceptRule))}, got {rule!r}")
    if top < 1:
        raise InvalidConfig(f"at least one token must be looked at, got top={top}")
    told = kinds if isinstance(kinds, TokenKinds) else read_token_kinds(kinds)
    rows = top_tokens.strings if isinstance(top_tokens, TopTokens) else top_tokens
    kind_of = {token: told.kind(token) for token in {token for row in rows for token in row[:top]}}
    reasons = []
    for row in rows:
        found = [kind for token in row[:top] if (kind := kind_of[token])]
        needed = 1 if rule == "any" else len(row[:top]) // 2 + 1
        # The first of equal counts is the one that was met first.
        reasons.append(f"non_concept: {Counter(found).most_common(1)[0][0]}" if len(found) >= needed else "")
    return LatentMask(np.array([not reason for reason in reasons], dtype=bool), reasons)
