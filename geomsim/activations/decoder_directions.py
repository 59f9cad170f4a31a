"""Partners by direction: which latents of two dictionaries of one space write alike, with no text read at all.

Directions can be compared where both dictionaries decode into the same space: two of one model and site, trained apart,
or two of the residual stream of one model after different blocks. Between models they cannot, however equal the widths:
each model has a basis of its own. :func:`geomsim.activations.coactivation.correlate` is for those.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from geomsim.activations.candidates import Candidates
from geomsim.activations.coactivation import correlate
from geomsim.activations.codes import Codes
from geomsim.activations.dictionary import Dictionary
from geomsim.activations.source import parse_site
from geomsim.errors import GeomsimWarning, InvalidModel

DECODER_COSINE = "decoder-cosine"

# What the format of Gemma Scope says of a model that its files do not name, and behind one that the path names.
_UNKNOWN_MODEL = "not in the file"
_FROM_PATH = " (from the path)"


def decoder_cosine(
    left: Dictionary,
    right: Dictionary,
    top: int = 16,
    *,
    same_space: bool = False,
    memory: int | None = None,
    device: Any = None,
) -> Candidates:
    r"""Cosine of every left decoder row with every right one, reduced to the best `top` each; in [-1, 1].

    .. math:: \cos_{ij} = \frac{d_i \cdot d'_j}{|d_i|\,|d'_j|}

    Parameters
    ----------
    left, right
        dictionaries of one width. That alone does not make one space.
    top
        partners to keep per latent, in each direction: those of largest cosine. Opposite directions are far apart.
    same_space
        True says that they decode into one space, whatever they say of their model and site themselves.
    memory, device
        as in :func:`correlate`.

    Returns
    -------
    Candidates
        for ``geomsim.pair(decoder_cosine(left, right))``, with the cosine where ``r`` stands and
        ``provenance["measure"]`` ``"decoder-cosine"``. Coordinates of the space stand where tokens stand: ``n_tokens``
        is the width, firings are coordinates that are not zero, and co-firings those that are zero in neither. Nothing
        is asked of them; only a decoder row of zeros, which has no direction, is without partners (``silent``). There
        are no standard errors: no sample was drawn.

    Raises
    ------
    InvalidModel
        when the widths differ.
    InvalidCodes
        when `top` is below 1.

    Warns
    -----
    GeomsimWarning
        without `same_space`, when the dictionaries are known to be of different models, or of different sites that
        are not both in the residual stream.

    >>> import torch
    >>> def made(decoder):
    ...     rows = torch.tensor(decoder)
    ...     return Dictionary(rows.T, torch.zeros(len(rows)), rows, torch.zeros(rows.shape[1]))
    >>> found = decoder_cosine(made([[2.0, 0.0], [0.0, 1.0]]), made([[0.0, 3.0], [3.0, 4.0]]), top=1)
    >>> found.left_to_right.partner.ravel().tolist(), found.left_to_right.r.ravel().round(6).tolist()
    ([1, 0], [0.6, 1.0])
    """
    if left.width != right.width:
        raise InvalidModel(
            f"left {left!r} and right {right!r} decode into spaces of different width, {left.width} and "
            f"{right.width}, so their directions have no cosine; pair them by what they do on one text instead "
            "(correlate, or pair with the codes of both)"
        )
    differs = "" if same_space else _differs(left, right)
    if differs:
        warnings.warn(
            f"{differs}: equal width ({left.width}) does not make one space, and cosines between two spaces mean "
            "nothing; pair by codes on one text instead, or say same_space=True where you know that it is one",
            GeomsimWarning,
            stacklevel=2,
        )
    rows, partners = (Codes(each.directions.T, name=each.name) for each in (left, right))
    found = correlate(rows, partners, top, 0, 0, measure="cosine", standard_errors=False, memory=memory, device=device)
    said = {
        **found.provenance,
        "measure": DECODER_COSINE,
        "dictionaries": {"left": left.sha256, "right": right.sha256},
        "models": {"left": _model(left), "right": _model(right)},
        "sites": {"left": left.site or "", "right": right.site or ""},
    }
    return replace(found, provenance=said)


def _differs(left: Dictionary, right: Dictionary) -> str:
    """How the dictionaries are known to be of different spaces, "" where they are not."""
    models = _model(left), _model(right)
    if all(models) and models[0] != models[1]:
        return f"the left dictionary is of the model {models[0]!r} and the right one of {models[1]!r}"
    if left.site and right.site and left.site != right.site:
        stream = [(parse_site(site) or ("", 0))[0] == "residual" for site in (left.site, right.site)]
        if not all(stream):
            return f"the left dictionary is of the site {left.site!r} and the right one of {right.site!r}"
    return ""


def _model(dictionary: Dictionary) -> str:
    """The model it was trained on as its file names it, without the folder or owner; "" where that is not known."""
    said = str(dictionary.provenance.get("model_name") or "")
    return "" if said == _UNKNOWN_MODEL else Path(said.removesuffix(_FROM_PATH)).name
