"""A small seeded trainer of sparse autoencoders, for activations that fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from geomsim import InvalidSpace
from geomsim_synthetic.network import SimulatedNetwork
from geomsim_synthetic.training_options import TrainingOptions

if TYPE_CHECKING:
    import torch

    from geomsim import Codes
    from geomsim.activations import Dictionary


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


def train_dictionary(activations: ArrayLike, n_latents: int, **options: Any) -> TrainedDictionary:
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
    **options
        ``activation`` ("topk" or "relu"), ``k``, ``l1``, ``steps``, ``batch``, ``learning_rate``, ``seed``: see
        `TrainingOptions`.

    Returns
    -------
    TrainedDictionary
        same seed, same bits on one machine and number of torch threads; no global random state is touched.

    Raises
    ------
    InvalidConfig
        on an option that is unknown or out of range.
    InvalidSpace
        on activations that are not a finite (tokens, width) table.

    Gao et al. (2024), "Scaling and evaluating sparse autoencoders"; Bricken et al. (2023), "Towards monosemanticity".
    """
    import torch

    from geomsim.activations import Dictionary

    chosen = TrainingOptions.of(n_latents, options)
    k, steps, batch = chosen.k, chosen.steps, chosen.batch
    points, scale = checked_activations(activations)
    random = torch.Generator().manual_seed(chosen.seed)

    def drawn(n: int) -> torch.Tensor:
        return points[torch.randint(len(points), (n,), generator=random)]

    start = drawn(n_latents) + 1e-3 * torch.randn(n_latents, points.shape[1], generator=random)
    decoder = torch.nn.functional.normalize(start).requires_grad_()
    encoder = decoder.detach().T.clone().requires_grad_()
    bias = torch.zeros(n_latents, requires_grad=True)
    shift = torch.zeros(points.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([encoder, bias, decoder, shift], lr=chosen.learning_rate, foreach=True)

    def encoded(x: torch.Tensor) -> torch.Tensor:
        before = torch.addmm(bias, x - shift, encoder)
        if chosen.activation == "relu":
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
        optimizer.param_groups[0]["lr"] = chosen.learning_rate * min(1.0, 3.0 * (1.0 - step / steps))
        x = drawn(batch)
        codes = encoded(x)
        loss = (x - codes @ decoder - shift).square().sum(1).mean()
        if chosen.activation == "relu":
            loss = loss + chosen.l1 * codes.sum(1).mean()
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
        activation=chosen.activation,
        k=k if chosen.activation == "topk" else None,
    )
    return TrainedDictionary.of(
        dictionary, points, scale, losses, n_revived, trainer="geomsim_synthetic", steps=steps, seed=chosen.seed
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
