"""What can be chosen when a dictionary is trained, whichever trainer does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

from geomsim import InvalidConfig
from geomsim_synthetic.checks import number, one_of, refuse_unknown, whole
from geomsim_synthetic.plain import keep_plain

Activation = Literal["topk", "relu"]


@dataclass(frozen=True)
class TrainingOptions:
    """Options of `train_dictionary` and `train_with_sae_lens`.

    Parameters
    ----------
    n_latents
        rows of the dictionary, at least 1.
    activation
        "topk" keeps the `k` largest; "relu" all that are positive.
    k
        latents per token, from 1 to `n_latents` (topk).
    l1
        weight of the L1 term, at least 0, where inputs have a mean square norm of 1 (relu).
    steps, batch
        steps of Adam, and tokens in each, drawn from all with replacement; at least 1.
    learning_rate
        of Adam, above 0; it falls over the last third of the steps.
    seed
        everything random follows from it.

    Raises
    ------
    InvalidConfig
        on an option out of range.
    """

    n_latents: int
    activation: Activation = "topk"
    k: int = 8
    l1: float = 0.1
    steps: int = 2000
    batch: int = 512
    learning_rate: float = 3e-3
    seed: int = 0

    def __post_init__(self) -> None:
        keep_plain(self)
        one_of("activation", self.activation, get_args(Activation))
        for name in ("n_latents", "k", "steps", "batch"):
            whole(name, getattr(self, name), 1)
        whole("seed", self.seed, 0)
        number("l1", self.l1)
        if not number("learning_rate", self.learning_rate):
            raise InvalidConfig("learning_rate=0 learns nothing; it must be above 0")
        if self.activation == "topk" and self.k > self.n_latents:
            raise InvalidConfig(f"k={self.k} is more than n_latents={self.n_latents}; a token can have no more latents")

    @classmethod
    def of(cls, n_latents: Any, options: Mapping[str, Any]) -> Self:
        """The options given by name; InvalidConfig on an unknown one."""
        refuse_unknown(options, [each.name for each in fields(cls)], "option of training")
        return cls(n_latents, **options)
