r"""Which latents of two dictionaries are active together: every left latent against every right one, exactly.

Pearson's r over the n tokens needs five sums only,

.. math:: r = \frac{S_{xy} - S_x S_y / n}{\sqrt{(S_{xx} - S_x^2 / n)\,(S_{yy} - S_y^2 / n)}},

and a latent that is zero on a token adds nothing to any of them. So

1. the one-sided sums are taken once per latent,
2. :math:`S_{xy}` and the co-firings of all pairs come tile by tile (sparse codes: of their non-zeros, in compiled
   loops on all cores; dense codes: centred first, as products of blocks of rows), and each tile is reduced at once to
   the best partners of each latent in both directions,
3. for the kept candidates alone, the sums of each block of documents give the delete-one-block jackknife.

All sums are float64; r is rounded to 12 decimals so that equal latents tie, and of a tie the lowest number wins.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from geomsim.activations.alignment import align
from geomsim.activations.best_partners import Best, offer_dense
from geomsim.activations.candidates import Candidates, assemble, eligible_latents, named_pairs, refuse_options
from geomsim.activations.coactivation_cuda import cuda_device, offer_on_device
from geomsim.activations.coactivation_sparse import offer_sparse
from geomsim.activations.coactivation_sums import MEASURES, Measure, Side, product_on_cpu
from geomsim.activations.codes import Codes
from geomsim.activations.device_products import product_on
from geomsim.activations.jackknife import blocks_of_tokens
from geomsim.activations.jackknife import standard_errors as jackknife_errors
from geomsim.errors import InvalidCodes
from geomsim.memory import batch_budget
from geomsim.parallel import in_threads


def correlate(
    left_codes: Codes,
    right_codes: Codes,
    top: int = 16,
    min_firings: int = 100,
    min_cofirings: int = 20,
    *,
    max_blocks: int = 20,
    measure: Measure = "pearson",
    standard_errors: bool = True,
    memory: int | None = None,
    device: Any = None,
) -> Candidates:
    """Pearson's r of every left latent with every right one over their common tokens, reduced to the best `top` each.

    Parameters
    ----------
    left_codes, right_codes
        codes over the same text; tokens that only one of them has are left out and counted in ``provenance``.
    top
        partners to keep per latent, in each direction.
    min_firings
        non-zeros that both latents of a pair need.
    min_cofirings
        tokens on which both latents of a pair are non-zero.
    max_blocks
        most blocks of the jackknife: of whole documents where there are groups, else of neighbouring tokens.
    measure
        ``pearson``; ``cosine``, r about zero instead of the mean, in [-1, 1]; or ``jaccard``, tokens on which both fire
        over tokens on which either fires, in [0, 1], whatever the values. It stands where ``r`` stands, in the columns
        of :meth:`Candidates.to_frame` too, and ``provenance["measure"]`` names it.
    standard_errors
        False leaves the jackknife out, which takes about half of the time; every ``standard_error`` is then NaN.
    memory
        bytes that one tile may take; changes the speed, not the result.
    device
        ``"cuda"`` (or a torch device): all pairs are multiplied there, and the best refined exactly. For sparse codes
        the result has the same bits as without; for dense ones it agrees to 1e-12. A GPU multiplies zeros too, and the
        compiled loops skip them: it pays for dense codes, for many firings per token and where cores are few.
        None or ``"cpu"``: no GPU.

    Raises
    ------
    InvalidCodes
        when the codes are of different texts, a measure is unknown, or an option is out of range.
    InvalidConfig
        when there is no such device.

    >>> left = Codes.from_dense([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    >>> right = Codes.from_dense([[0.0, 2.0], [0.0, 4.0], [5.0, 0.0], [9.0, 0.0]])
    >>> candidates = correlate(left, right, top=1, min_firings=1, min_cofirings=1)
    >>> candidates.left_to_right.partner.ravel(), candidates.left_to_right.r.ravel().round(3)
    (array([1, 0], dtype=int32), array([1.   , 0.973]))
    """
    refuse_options(top, min_firings, min_cofirings, max_blocks)
    if measure not in MEASURES:
        raise InvalidCodes(f"unknown measure {measure!r}; there are {', '.join(MEASURES)}")
    gpu = cuda_device(device)
    budget = memory or batch_budget()
    left_aligned, right_aligned, left_out = align(left_codes, right_codes)
    blocks, block_kind = blocks_of_tokens(left_aligned, right_aligned, max_blocks)

    def side(codes: Codes) -> Side:
        return Side(_supports(codes) if measure == "jaccard" else codes, blocks, measure)

    left, right = in_threads(side, (left_aligned, right_aligned), workers=2)
    if not (left.suits_sparse() and right.suits_sparse()):
        left.centre(budget)
        right.centre(budget)
    eligible = eligible_latents(left, min_firings), eligible_latents(right, min_firings)
    best_right, best_left = Best(left.n_latents, top), Best(right.n_latents, top)
    product = product_on_cpu if gpu is None else partial(product_on, gpu)
    work = left, right, eligible, best_left, best_right, min_cofirings, budget
    if left.centred:
        enough = offer_dense(*work, product)
    else:
        enough = offer_sparse(*work) if gpu is None else offer_on_device(*work, gpu)
    errors = None
    if standard_errors:
        errors = jackknife_errors(left, right, *named_pairs(best_left, best_right), budget, product)
    return assemble(
        left,
        right,
        eligible,
        best_left,
        best_right,
        enough,
        errors,
        block_kind,
        provenance={
            "left": left_codes.name,
            "right": right_codes.name,
            "text_hash": left_codes.text_hash or right_codes.text_hash,
            "measure": measure,
            "top": top,
            "min_firings": min_firings,
            "min_cofirings": min_cofirings,
            "tokens_left_out": left_out,
        },
    )


def _supports(codes: Codes) -> Codes:
    """1 where a latent fires, else 0."""
    if not codes.is_sparse:
        return Codes(codes.matrix != 0)
    fires = codes.matrix.copy()
    fires.data = np.ones_like(fires.data)
    return Codes(fires)
