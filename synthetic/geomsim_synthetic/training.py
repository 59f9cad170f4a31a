"""A small seeded trainer of sparse autoencoders, for activations that fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike

from geomsim import InvalidConfig, InvalidSpace
from geomsim_synthetic.checks import number, one_of, whole
from geomsim_synthetic.network import SimulatedNetwork

if TYPE_CHECKING:
    import torch

    from geomsim import Codes
    from geomsim.activations import Dictionary

Activation = Literal["topk", "relu"]


@dataclass(frozen=True, eq=False)
class TrainedDictionary:
    """A dictionary and how its training went.

    Attributes
    ----------
    dictionary
        encoder and decoder, with unit decoder rows.
    losses
        loss every 100 steps, mean over the batch: squared error (inputs at mean square 1), plus the L1 term for ReLU.
    n_revived
        how many times a latent that did not fire for a while was started anew on a badly explained token.
    n_dead
        latents that fire on no training token in the end.
    """

    dictionary: Dictionary
    losses: tuple[float, ...]
    n_revived: int
    n_dead: int

    @classmethod
    def of(
        cls,
        dictionary: Dictionary,
        points: torch.Tensor,
        scale: float,
        losses: Sequence[float],
        n_revived: int,
        **provenance: Any,
    ) -> Self:
        """A dictionary trained on `points`, for inputs that are `scale` times as large; counts its dead latents."""
        firing = np.bincount(dictionary.encode(points).indices, minlength=dictionary.latents)
        scaled = replace(
            dictionary,
            encoder_bias=dictionary.encoder_bias * scale,
            decoder_bias=dictionary.decoder_bias * scale,
            provenance={**dictionary.provenance, **provenance},
        )
        return cls(scaled, tuple(losses), n_revived, int((firing == 0).sum()))

    def codes(self, network: SimulatedNetwork) -> Codes:
        """What it reads in a network's activations, grouped by document."""
        import torch

        from geomsim import Codes

        matrix = self.dictionary.encode(torch.from_numpy(network.activations))
        return Codes(
            matrix, groups=network.groups, name=network.name, provenance={"source": "trained on synthetic activations"}
        )


def train_dictionary(
    activations: ArrayLike,
    n_latents: int,
    *,
    activation: Activation = "topk",
    k: int = 8,
    l1: float = 0.1,
    steps: int = 2000,
    batch: int = 512,
    learning_rate: float = 3e-3,
    seed: int = 0,
) -> TrainedDictionary:
    r"""Train a sparse autoencoder: ``code = act((x - b) W + c)``, ``x ~ code D + b``, unit rows of D.

    .. math:: \frac{1}{n} \sum_i \lVert x_i - \hat x_i \rVert^2 + \lambda \lVert f_i \rVert_1

    with Adam, where inputs are scaled to a mean square norm of 1, lambda is `l1` for ReLU and 0 for TopK. Encoder and
    decoder start equal, on tokens drawn at random. Four times until half of the steps are done, latents that have not
    fired since the last time are started anew, on tokens that are explained badly. The learning rate falls to 0 over
    the last third.

    Parameters
    ----------
    activations
        (tokens, width).
    n_latents
        rows of the dictionary.
    activation
        "topk" keeps the `k` largest; "relu" all that are positive.
    k, l1
        latents per token (topk); weight of the L1 term (relu).
    steps, batch, learning_rate
        of Adam, with batches drawn from all tokens.
    seed
        same seed, same bits on one machine and number of torch threads; no global random state is touched.

    Raises
    ------
    InvalidConfig
        on a parameter out of range.
    InvalidSpace
        on activations that are not a finite (tokens, width) table.

    Gao et al. (2024), "Scaling and evaluating sparse autoencoders"; Bricken et al. (2023), "Towards monosemanticity".
    """
    import torch

    from geomsim.activations import Dictionary

    checked_options(activation, n_latents, k, l1, steps, batch, learning_rate, seed)
    points, scale = checked_activations(activations)
    random = torch.Generator().manual_seed(seed)

    def drawn(n: int) -> torch.Tensor:
        return points[torch.randint(len(points), (n,), generator=random)]

    start = drawn(n_latents) + 1e-3 * torch.randn(n_latents, points.shape[1], generator=random)
    decoder = torch.nn.functional.normalize(start).requires_grad_()
    encoder = decoder.detach().T.clone().requires_grad_()
    bias = torch.zeros(n_latents, requires_grad=True)
    shift = torch.zeros(points.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([encoder, bias, decoder, shift], lr=learning_rate, foreach=True)

    def encoded(x: torch.Tensor) -> torch.Tensor:
        before = torch.addmm(bias, x - shift, encoder)
        if activation == "relu":
            return before.relu()
        top = before.topk(k, dim=1)
        return torch.zeros_like(before).scatter(1, top.indices, top.values.relu())

    def revive(fired: torch.Tensor) -> int:
        dead = (~fired).nonzero().flatten()
        if len(dead):
            some = drawn(8 * batch)
            residual = some - encoded(some) @ decoder - shift
            badly = residual.square().sum(1) ** 2 + 1e-12  # a token that is explained badly is likely to be chosen
            chosen = torch.multinomial(badly, len(dead), replacement=True, generator=random)
            decoder[dead] = torch.nn.functional.normalize(residual[chosen])
            encoder[:, dead] = decoder[dead].T
            bias[dead] = 0.0
            for parameter, rows in ((decoder, (dead,)), (encoder, (slice(None), dead)), (bias, (dead,))):
                for moment in ("exp_avg", "exp_avg_sq"):
                    optimizer.state[parameter][moment][rows] = 0.0
        return len(dead)

    fired, n_revived, losses = torch.zeros(n_latents, dtype=torch.bool), 0, []
    revivals = {steps * part // 8 for part in (1, 2, 3, 4)}
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = learning_rate * min(1.0, 3.0 * (1.0 - step / steps))
        x = drawn(batch)
        codes = encoded(x)
        loss = (x - codes @ decoder - shift).square().sum(1).mean()
        if activation == "relu":
            loss = loss + l1 * codes.sum(1).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            decoder /= decoder.norm(dim=1, keepdim=True)
            fired |= (codes > 0).any(dim=0)
            if step in revivals:
                n_revived += revive(fired)
                fired = torch.zeros_like(fired)
        if step % 100 == 0:
            losses.append(loss.item())
    dictionary = Dictionary(
        encoder=encoder.detach(),
        encoder_bias=bias.detach(),
        decoder=decoder.detach(),
        decoder_bias=shift.detach(),
        activation=activation,
        k=k if activation == "topk" else None,
    )
    return TrainedDictionary.of(
        dictionary, points, scale, losses, n_revived, trainer="geomsim_synthetic", steps=steps, seed=seed
    )


def checked_activations(activations: ArrayLike) -> tuple[torch.Tensor, float]:
    """Activations divided by the root of their mean square norm, and that root; InvalidSpace where there is none."""
    import torch

    values = np.asarray(activations, dtype=np.float32)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all() or not values.any():
        raise InvalidSpace(
            f"training needs finite (tokens, width) activations that are not all 0, got shape {values.shape}"
        )
    scale = float(np.sqrt((values.astype(np.float64) ** 2).sum(axis=1).mean()))
    return torch.from_numpy(values / np.float32(scale)), scale


def checked_options(
    activation: Any, n_latents: Any, k: Any, l1: Any, steps: Any, batch: Any, learning_rate: Any, seed: Any
) -> None:
    """Raise InvalidConfig on an option of training that is out of range."""
    one_of("activation", activation, get_args(Activation))
    for name, value, least in (("n_latents", n_latents, 1), ("k", k, 1), ("steps", steps, 1), ("batch", batch, 1)):
        whole(name, value, least)
    whole("seed", seed, 0)
    number("l1", l1)
    number("learning_rate", learning_rate)
    if activation == "topk" and k > n_latents:
        raise InvalidConfig(f"k={k} is more than n_latents={n_latents}")
