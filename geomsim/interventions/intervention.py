r"""What is changed in the stream at a site, and where.

With codes f of directions of length 1, a set S of latents, and the row scale s of a dictionary that normalises its
input (1 otherwise), at a token with activation x:

==============  ======================================================================================
``ablate``      :math:`x' = x - s \sum_{i \in S} f_i(x) d_i`: what the dictionary writes with these latents
                is taken away, its error stays, and no other latent's part is touched
``project-out`` :math:`x' = x - Q Q^T x`, with Q an orthonormal basis of the directions of S
``add``         :math:`x' = x + c \sum_{i \in S} a_i d_i`, with a_i the latent's mean activation where active
==============  ======================================================================================

As a control other directions r are written in place of d, each as much as its own: :math:`s f_i(x) r_i`,
:math:`R Q^T x` with R an orthonormal basis of the r, and :math:`c a_i r_i`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InvalidConfig

if TYPE_CHECKING:
    from torch import Tensor

Mode = Literal["ablate", "project-out", "add"]
Where = Literal["firing", "all"]


@dataclass(frozen=True)
class Intervention:
    """A change of the stream.

    Parameters
    ----------
    mode
        see :mod:`geomsim.interventions.intervention`.
    multiple
        the c of ``add``.
    where
        of ``add``: the tokens where a latent of the set fires, or all that are kept. The others act where it fires.

    Raises
    ------
    InvalidConfig
        for another mode, a multiple that is no positive number, and options that would have no effect.
    """

    mode: Mode = "ablate"
    multiple: float = 1.0
    where: Where = "firing"

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise InvalidConfig(f"mode must be one of {', '.join(get_args(Mode))}, got {self.mode!r}")
        if self.where not in get_args(Where):
            raise InvalidConfig(f"where must be one of {', '.join(get_args(Where))}, got {self.where!r}")
        if not (np.isfinite(self.multiple) and self.multiple > 0):
            raise InvalidConfig(f"multiple is {self.multiple}; a number above 0 is needed")
        if self.mode != "add" and (self.multiple != 1.0 or self.where != "firing"):
            raise InvalidConfig(f"multiple and where are for mode='add'; with {self.mode!r} they would have no effect")

    @property
    def sign(self) -> float:
        """What turns the change of predictions into what the latent does: -1 where it is taken away."""
        return 1.0 if self.mode == "add" else -1.0


@dataclass(frozen=True, eq=False)
class Acting:
    """Rows at which sets of latents act, set by set.

    Parameters
    ----------
    of_set
        (rows,) which set; ascending.
    points
        (rows, width) the stream there.
    entry_row, entry_latent, entry_value
        (entries,) what the latents of the row's set contribute: place among the rows, latent, code times row scale.
    """

    of_set: NDArray[np.int64]
    points: Tensor
    entry_row: NDArray[np.int64]
    entry_latent: NDArray[np.int64]
    entry_value: NDArray[np.float32]


def changes(
    intervention: Intervention,
    acting: Acting,
    sets: Sequence[NDArray[np.int64]],
    directions: Tensor,
    written: Tensor,
    means: NDArray[np.float64],
) -> Tensor:
    """What is added to the stream at each row, (rows, width).

    Parameters
    ----------
    directions
        (latents, width), of length 1: the dictionary's own, which say how much is written.
    written
        (latents, width), of length 1: along which it is written; the same but for a control.
    means
        (latents,) mean activation where active.
    """
    import torch

    points = acting.points
    added = torch.zeros_like(points)
    device = points.device
    if intervention.mode == "ablate":
        latents = torch.from_numpy(acting.entry_latent).to(device)
        values = torch.from_numpy(acting.entry_value).to(points)
        parts = written[latents] * values.unsqueeze(1)
        return added.index_add_(0, torch.from_numpy(acting.entry_row).to(device), parts, alpha=-1)
    for number in np.unique(acting.of_set).tolist():
        first, last = np.searchsorted(acting.of_set, [number, number + 1]).tolist()
        members = torch.from_numpy(sets[number]).to(device)
        if intervention.mode == "add":
            sizes = torch.from_numpy(intervention.multiple * means[sets[number]]).to(points)
            added[first:last] = sizes @ written[members]
        else:
            basis = _basis(directions[members])
            out = basis if written is directions else _basis(written[members])[:, : basis.shape[1]]
            added[first:last] = -(points[first:last] @ basis) @ out.T
    return added


def _basis(rows: Tensor) -> Tensor:
    """An orthonormal basis of the span of some rows, (width, rank)."""
    import torch

    _, sizes, turned = torch.linalg.svd(rows.double(), full_matrices=False)
    basis: Tensor = turned[sizes > 1e-6 * sizes[0].clamp_min(1e-30)].T.to(rows)
    return basis
