"""What a causal check found: a table of pairs, the judgement of all together, and both in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.visible_text import visible_token
from geomsim.errors import GeomsimError

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05
TABLE, FACTS, SCORES = "causal.parquet", "causal.json", "scores.npz"


@dataclass(frozen=True, eq=False)
class CausalCheck:
    """Are pairs that look alike used alike?

    Parameters
    ----------
    frame
        a row a pair, in the order that was given: ``left``, ``right`` (latents or nodes), ``r`` (how alike the two
        look, NaN where nobody knows), ``score``, ``score_not_centred``, ``overlap``, ``expected`` and ``sd`` (of random
        pairs), ``z``, ``p``, ``holm``, ``bh``, ``control`` (the score with random directions at the same tokens),
        ``p_control`` (of the score among the control scores of its bin); for both sides ``kl_SIDE`` (nats),
        ``positions_SIDE``, ``firings_SIDE``, ``latents_SIDE``, ``promotes_SIDE`` and ``suppresses_SIDE`` (lists of
        tokens, strongest first).
    scores, control_scores
        (pairs, pairs): every left set with every right one.
    facts
        everything else: how it was measured, what was left out, and the judgement of all pairs together.
    """

    frame: pd.DataFrame
    scores: NDArray[np.float64]
    control_scores: NDArray[np.float64]
    facts: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"CausalCheck({len(self)} pairs, mean score {self.facts['mean_score']:.3f})"

    @property
    def used_alike(self) -> NDArray[np.bool_]:
        """(pairs,): used more alike than random pairs, at a false discovery rate of 5% (Benjamini-Hochberg)."""
        return np.asarray(self.frame["bh"].to_numpy() <= LEVEL)

    def describe(self) -> str:
        """The findings in a few sentences."""
        facts = self.facts
        used = int(self.used_alike.sum())
        all_left_out = sum(facts["left_out"].values())
        control = facts["control"]
        lines = [
            f"{len(self)} {facts['what']} of {facts['left']['model']} and {facts['right']['model']}: the effects on "
            f"the next token over {facts['tokens']:,} shared tokens have a mean score of {facts['mean_score']:.3f}; "
            f"partners reshuffled among pairs of like {facts['bins_by']} {facts['mean_by_chance']:.3f} "
            f"({_p(facts['p_of_mean'], facts['draws'])}).",
            f"{used} of them ({used / len(self):.0%}) are used more alike than random pairs at a false discovery rate "
            f"of 5%, {int((self.frame['holm'] <= LEVEL).sum())} after Holm's correction.",
            "With random directions of the same size at the same tokens the mean score is "
            f"{control['mean_score']:.3f}, {control['mean_by_chance']:.3f} reshuffled: so much is due to where the "
            "latents fire alone. The latents' own directions score "
            f"{'higher' if facts['mean_score'] > control['mean_score'] else 'no higher'} "
            f"({_p(control['p_of_difference'], facts['draws'])}).",
        ]
        if facts["spearman"] is not None:
            rho, p = facts["spearman"]["rho"], facts["spearman"]["p"]
            lines.append(
                f"Spearman's correlation of the {facts['r_means']} with the score is {rho:.2f} "
                f"({_p(p, facts['draws'])})."
            )
        if all_left_out:
            reasons = ", ".join(f"{count} {reason}" for reason, count in facts["left_out"].items() if count)
            lines.append(f"Left out: {reasons}.")
        return "\n".join(lines)

    def examples(self, n: int = 5, *, alike: bool = True) -> pd.DataFrame:
        """Of the pairs that look alike, those used alike (largest residual z) or not (``alike=False``, smallest).

        Pairs that look alike are the half with the larger `r`; all of them where nobody knows how alike they look.
        No pair is an example of both: where there are fewer than ``2 n``, the larger half of them is of the first kind.
        """
        frame = self.frame
        if frame["r"].notna().all():
            frame = frame[frame["r"] >= frame["r"].median()]
        most = (len(frame) + 1) // 2
        ordered = frame.sort_values("z", ascending=False, kind="stable")
        return ordered.head(most).head(n) if alike else ordered.iloc[most:][::-1].head(n)

    def save(self, folder: str | Path) -> Path:
        """Write ``causal.parquet`` (the table), ``scores.npz`` and, last, ``causal.json`` (facts and sentences)."""
        from geomsim.tables import write_arrays, write_json, write_parquet

        target = Path(folder)
        write_parquet(self.frame, target / TABLE, metadata={"causal": {"pairs": len(self)}})
        write_arrays({"scores": self.scores, "control_scores": self.control_scores}, target / SCORES)
        write_json({**self.facts, "sentences": self.describe().split("\n")}, target / FACTS)
        return target

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Read what :meth:`save` wrote. GeomsimError where a file is missing or damaged."""
        import json

        from geomsim.tables import read_table

        target = Path(folder)
        try:
            facts = json.loads((target / FACTS).read_text(encoding="utf-8"))
            with np.load(target / SCORES, allow_pickle=False) as stored:
                matrices = stored["scores"], stored["control_scores"]
        except (OSError, ValueError, KeyError) as error:
            raise GeomsimError(f"{target}: no causal check could be read ({error})") from None
        facts.pop("sentences", None)
        frame, _ = read_table(target / TABLE)
        return cls(frame, *matrices, facts)


def shown_tokens(tokens: list[str] | NDArray[Any], n: int = 5) -> str:
    """Tokens as people read them: white space made visible, each in quotes."""
    return " ".join(f"'{visible_token(str(token))}'" for token in list(tokens)[:n])


def tokens_of(frame: pd.DataFrame, row: int, what: Literal["promotes", "suppresses"], side: str) -> list[str]:
    """The tokens that one side of a pair promotes or suppresses, strongest first."""
    return [str(token) for token in frame[f"{what}_{side}"].iloc[row]]


def _p(p: float, draws: int) -> str:
    return f"p {'<=' if p <= 1 / (draws + 1) + 1e-12 else '='} {p:.2g}"
