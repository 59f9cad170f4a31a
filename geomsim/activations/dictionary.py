"""Dictionaries: sparse autoencoders that write an activation as a sum of few directions."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.dictionary_activations import Activation, check_activation, firings, least_to_exceed
from geomsim.activations.source import check_convention
from geomsim.errors import GeomsimWarning, InvalidModel

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from torch import Tensor

_TENSORS = ("encoder", "encoder_bias", "decoder", "decoder_bias", "threshold")
_HASHED_NUMBERS = 2**22  # of a weight, copied at a time
_DENSE_BYTES = 2**22  # the dense intermediate of one chunk of tokens while encoding: what fits a cache is fastest


@dataclass(frozen=True, eq=False)
class Dictionary:
    """An encoder and a decoder: ``code = activation((x - shift) @ encoder + encoder_bias)``.

    Directions have length 1 and codes carry the scale: with decoder rows ``d_i`` of length ``|d_i|``, the code of
    latent i is ``|d_i|`` times what the encoder gives, and ``x`` is about ``code @ directions + decoder_bias``. So
    codes and directions of two dictionaries can be compared although their decoders are scaled differently.

    Parameters
    ----------
    encoder, encoder_bias
        (width, latents) and (latents,) float32.
    decoder, decoder_bias
        (latents, width) and (width,) float32.
    activation
        "relu"; "topk" keeps the `k` largest, and of these the positive ones; "groupmax" the largest of each of `k`
        groups of neighbouring latents, where it is positive; "jumprelu" what is positive and above `threshold`. A
        batch-topk dictionary at inference is "jumprelu" with one threshold for all.
    k, threshold
        a number; one number, or (latents,) float32.
    subtract_decoder_bias
        whether the shift before encoding is the decoder bias (or 0).
    scale_before_activation
        whether pre-activations are multiplied by ``|d_i|`` before the activation chooses, rather than after.
    normalisation
        of each input row: "none"; "layer_norm" (mean 0, standard deviation 1); "constant_norm_rescale" (length
        sqrt(width)). Such a dictionary decodes only beside its inputs.
    site
        where it was trained, as a site of :mod:`geomsim.activations.source`; None where that is not known.
    convention
        "raw" for the model as published, "centred" where the mean of each residual row was removed, "" unknown: then
        reading with it warns, since codes of the other kind of activations would be wrong and look like any others.
    name, provenance
        shown in results.
    sha256
        of weights (as float32) and conventions, all that :meth:`encode` and :meth:`decode` depend on, and not of
        the file format: the same numbers under the same conventions have one hash. Name, site and convention are not
        in it. Computed where it is not given; give "" where :func:`dataclasses.replace` changes a weight.

    Raises
    ------
    InvalidModel
        where shapes do not fit each other, the decoder is transposed, a weight is not finite or an integer, or the
        convention is none of these.
    """

    encoder: Tensor
    encoder_bias: Tensor
    decoder: Tensor
    decoder_bias: Tensor
    activation: Activation = "relu"
    k: int | None = None
    threshold: Tensor | float | None = None
    subtract_decoder_bias: bool = True
    scale_before_activation: bool = False
    normalisation: Literal["none", "layer_norm", "constant_norm_rescale"] = "none"
    site: str | None = None
    convention: str = ""
    name: str = ""
    sha256: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_convention(self._called, self.convention)
        if self.encoder.ndim != 2 or self.decoder.ndim != 2:
            raise InvalidModel(
                f"{self._called}: encoder and decoder must be matrices, not of shapes {tuple(self.encoder.shape)} and "
                f"{tuple(self.decoder.shape)}"
            )
        width, latents = self.encoder.shape
        if not self.encoder.numel():
            raise InvalidModel(f"{self._called}: it has {latents} latents of width {width}; at least 1 of 1 is needed")
        object.__setattr__(self, "threshold", self._thresholds)
        expected = {"decoder": (latents, width), "encoder_bias": (latents,), "decoder_bias": (width,)}
        if self.activation == "jumprelu":
            expected["threshold"] = (latents,)
        for part, shape in expected.items():
            value = getattr(self, part)
            found = None if value is None else tuple(value.shape)
            if found == shape:
                continue
            if part == "decoder" and found == shape[::-1]:
                raise InvalidModel(
                    f"{self._called}: the decoder is transposed: (width, latents) = {found} where (latents, width) = "
                    f"{shape} is needed; store decoder.T"
                )
            raise InvalidModel(
                f"{self._called}: {part} has shape {found}, but the encoder, (width, latents) = ({width}, {latents}), "
                f"needs {shape}"
            )
        check_activation(self._called, self.activation, self.k, latents, self.threshold)
        for part in self._tensors():
            given = getattr(self, part)
            if not given.is_floating_point():
                raise InvalidModel(f"{self._called}: {part} holds {given.dtype}; floating-point numbers are needed")
            value = given.detach().float()
            if not value.isfinite().all():
                raise InvalidModel(
                    f"{self._called}: {part} holds {int((~value.isfinite()).sum())} NaN or infinite numbers"
                )
            object.__setattr__(self, part, value)
        if not self.sha256:
            object.__setattr__(self, "sha256", self._digest())

    @property
    def width(self) -> int:
        """Width of the activations it reads."""
        return int(self.encoder.shape[0])

    @property
    def latents(self) -> int:
        """Number of latents."""
        return int(self.encoder.shape[1])

    @cached_property
    def decoder_norms(self) -> Tensor:
        """Length of each decoder row, (latents,)."""
        import torch

        norms: Tensor = torch.linalg.vector_norm(self.decoder, dim=1)
        return norms

    @property
    def directions(self) -> NDArray[np.float32]:
        """Decoder rows at length 1, (latents, width). A row of zeros stays zero: that latent writes nothing."""
        norms = self.decoder_norms
        unit = self.decoder / norms.where(norms > 0, norms.new_ones(())).unsqueeze(1)
        return np.asarray(unit.cpu().numpy())

    def encode(self, points: Tensor) -> csr_array[Any, Any]:
        """The codes of activations, (rows, width) to sparse (rows, latents) float32, for directions of length 1.

        The dense intermediate is held for a few thousand rows at a time. InvalidModel where a number is not finite:
        no latent would fire on it, and the row would look empty.
        """
        import scipy.sparse
        import torch

        self.check_fits(int(points.shape[-1]))
        if not points.isfinite().all():
            bad = (~points.isfinite()).any(dim=1)
            raise InvalidModel(
                f"{self._called}: {int(bad.sum())} of {len(bad)} rows to encode hold a NaN or an infinity, first row "
                f"{int(bad.nonzero()[0, 0])}"
            )
        counts, columns, values = [np.zeros(1, dtype=np.int64)], [], []
        with torch.no_grad():
            norms = self.decoder_norms
            least = least_to_exceed(norms, self._thresholds)
            for chunk in torch.split(points, max(1, _DENSE_BYTES // (4 * self.latents))):
                before = self._before_activation(chunk.to(self.encoder))
                count, column, value = firings(before, self.activation, self.k, least)
                value = value if self.scale_before_activation else value * norms[column]
                counts.append(count.cpu().numpy())
                columns.append(column.int().cpu().numpy())
                values.append(value.cpu().numpy())
        indptr = np.cumsum(np.concatenate(counts))
        if not columns:
            return scipy.sparse.csr_array((0, self.latents), dtype=np.float32)
        if indptr[-1] < 2**31:
            indptr = indptr.astype(np.int32)
        parts = (np.concatenate(values), np.concatenate(columns), indptr)
        return scipy.sparse.csr_array(parts, shape=(len(indptr) - 1, self.latents))

    def decode(self, codes: Any, points: Tensor | None = None) -> Tensor:
        """Activations from codes: ``codes @ directions + decoder_bias``, (rows, width).

        Codes are what :meth:`encode` gives, or a dense array. A dictionary that normalises its input needs the
        `points` that were encoded, to put each row's scale back.
        """
        import torch

        product = np.asarray(codes @ self.directions, dtype=np.float32)
        decoded = torch.from_numpy(product).to(self.decoder.device) + self.decoder_bias
        if self.normalisation == "none":
            return decoded
        if points is None:
            raise InvalidModel(
                f"{self._called}: it normalises its input ({self.normalisation}); decode(codes, points) is needed"
            )
        shift, scale = self._scale_of(points.to(self.encoder))
        return decoded * scale + shift

    def explained_variance(self, points: Tensor) -> float:
        """Share of the variance that decoding gives back: ``1 - sum |x - decoded|^2 / sum |x - mean|^2``, at most 1."""
        points = points.to(self.encoder)
        residual = (points - self.decode(self.encode(points), points)).double()
        spread = (points.double() - points.double().mean(0)).square().sum()
        return float(1 - residual.square().sum() / spread)

    def check_fits(self, source_width: int, *, site: str | None = None, convention: str = "") -> None:
        """Raise InvalidModel where activations of this width, site or convention are not what it was trained on.

        A site or convention that either side does not know is not compared. Where the activations have a convention
        and the dictionary has none, a GeomsimWarning says so, once for each dictionary. None comes for the neurons of
        an MLP: folding norms and centring weights do not change them.
        """
        if source_width != self.width:
            raise InvalidModel(
                f"{self._called} reads activations of width {self.width}, but those of the model"
                f"{f' at {site!r}' if site else ''} have width {source_width}; it belongs to another model or site"
            )
        if site and self.site and site != self.site:
            raise InvalidModel(
                f"{self._called} was trained at {self.site!r}, not at {site!r}; if this is meant, use "
                "dataclasses.replace(dictionary, site=None)"
            )
        if convention and self.convention and convention != self.convention:
            raise InvalidModel(
                f"{self._called} was trained on {self.convention} activations, but the model is read {convention}; "
                "its codes would be wrong"
            )
        if convention and not self.convention and not (site or self.site or "").startswith("neurons:"):
            self._tell_unknown_convention(convention)

    def _tell_unknown_convention(self, convention: str) -> None:
        if "_told" in self.__dict__:
            return
        object.__setattr__(self, "_told", True)
        warnings.warn(
            f"{self._called} does not say on which convention it was trained, and the model is read {convention}: were "
            "it trained on a model with folded norms and centred weights (HookedTransformer does both by default), "
            "its codes would be wrong. State what it is: read_dictionary(..., convention='raw') for the model as "
            "published, or 'centred'; Dictionary(..., convention='raw'); or \"convention\": \"raw\" in its cfg.json",
            GeomsimWarning,
            stacklevel=3,
        )

    def to(self, device: Any) -> Self:
        """The same dictionary on another device."""
        return replace(self, **{part: getattr(self, part).to(device) for part in self._tensors()})

    @classmethod
    def from_sae_lens(cls, sae: Any, name: str = "") -> Dictionary:
        """The dictionary of a loaded ``sae_lens.SAE``; codes and errors are those of its files."""
        from geomsim.activations.sae_lens_format import dictionary_from_sae_lens

        return dictionary_from_sae_lens(sae, name)

    def __repr__(self) -> str:
        kind = f"{self.activation}, k={self.k}" if self.k else self.activation
        return f"Dictionary({self.name!r}, {self.latents} latents of width {self.width}, {kind}, site {self.site!r})"

    @property
    def _called(self) -> str:
        return f"dictionary {self.name!r}" if self.name else "the dictionary"

    def _tensors(self) -> list[str]:
        return [name for name in _TENSORS if getattr(self, name) is not None]

    @property
    def _thresholds(self) -> Tensor | None:
        """One for each latent, (latents,), from one number for all or one for each."""
        import torch

        if self.threshold is None:
            return None
        threshold = torch.as_tensor(self.threshold)
        if threshold.ndim == 0:
            threshold = threshold.float().to(self.encoder.device).repeat(self.latents)
        return threshold

    def _digest(self) -> str:
        """See `sha256` above."""
        conventions = {
            "activation": self.activation, "k": self.k, "normalisation": self.normalisation,
            "subtract_decoder_bias": self.subtract_decoder_bias, "shape": list(self.encoder.shape),
            "scale_before_activation": self.scale_before_activation,
        }  # fmt: skip
        hasher = hashlib.sha256(json.dumps(conventions, sort_keys=True).encode())
        for part in self._tensors():
            hasher.update(part.encode())
            value = getattr(self, part)
            # In blocks of rows: a matrix may be the transpose of what lies in memory, and a whole copy is large.
            for block in value.split(max(1, _HASHED_NUMBERS * len(value) // value.numel())):
                hasher.update(np.ascontiguousarray(block.cpu().numpy()).data)
        return hasher.hexdigest()

    def _scale_of(self, points: Tensor) -> tuple[Tensor, Tensor]:
        if self.normalisation == "layer_norm":
            return points.mean(1, keepdim=True), points.std(1, keepdim=True)
        norms = points.norm(dim=1, keepdim=True)
        # A row of zeros has no length to divide by; it stays 0, and decodes to 0.
        return points.new_zeros(()), norms / self.width**0.5

    def _before_activation(self, points: Tensor) -> Tensor:
        """What the activation chooses from, (rows, latents)."""
        if self.normalisation != "none":
            shift, scale = self._scale_of(points)
            # The small constant is the one that layer_norm dictionaries were trained with.
            scale = scale + 1e-5 if self.normalisation == "layer_norm" else scale.where(scale > 0, scale.new_ones(()))
            points = (points - shift) / scale
        if self.subtract_decoder_bias:
            points = points - self.decoder_bias
        before = (points @ self.encoder).add_(self.encoder_bias)
        return before.mul_(self.decoder_norms) if self.scale_before_activation else before


def read_dictionary(
    path_or_id: str | Path | Any,
    *,
    format: str | None = None,
    subfolder: str | None = None,
    revision: str | None = None,
    site: str | None = None,
    convention: str | None = None,
    selection: Literal["threshold", "per-token"] | None = None,
    input_scale: float | None = None,
) -> Dictionary:
    """A dictionary from a directory, a file of weights, a hub id, or a sae-lens object. No training library is needed.

    ========================= ===================================================== ==================================
    format                    files                                                 kinds
    ========================= ===================================================== ==================================
    ``sae-lens``              cfg.json, sae_weights.safetensors                     standard, topk, jumprelu, gated,
                                                                                    (matryoshka) batchtopk
    ``sparsify``              cfg.json, sae.safetensors                             topk, groupmax
    ``gemma-scope``           params.npz; params.safetensors, config.json           jumprelu
    ``dictionary-learning``   ae.pt (or another file of torch.save), config.json    standard, topk, jumprelu, gated,
                                                                                    (matryoshka) batchtopk
    ========================= ===================================================== ==================================

    The format is told by the files that are there. Nothing that is read is executed: a pickle that needs more than
    numbers is refused.

    Parameters
    ----------
    path_or_id
        a local path, or a hub id with the folder behind it (``owner/repository/folder``), of which only the files in
        the table are fetched; or a loaded ``sae_lens.SAE``.
    format
        the format's name, where several are in one directory.
    subfolder, revision
        the folder inside `path_or_id`, if it is not part of it; a hub revision.
    site
        where it was trained, for files that do not say so or say it wrongly; see
        :mod:`geomsim.activations.source`.
    convention
        on what it was trained, "raw" or "centred", for files that do not say so or say it wrongly; see
        :class:`Dictionary`. Of the formats above only sae-lens leaves it open: its files have it where they hold a
        ``convention``, ``center_writing_weights``, or a model class other than HookedTransformer.
    selection
        for a dictionary with both k and a threshold, which decides what fires: "threshold" (the rule for BatchTopK at
        inference) or "per-token", the k largest of each token (the rule for TopK). By default as its own kind does.
    input_scale
        for a dictionary trained on activations times a constant that its files do not say: this constant.

    Raises
    ------
    InvalidModel
        where files are missing or damaged, shapes do not fit, or something in the configuration is not supported.
    InvalidConfig
        for an option that does not exist.
    """
    from geomsim.activations.dictionary_files import Reading
    from geomsim.activations.dictionary_formats import read_files
    from geomsim.activations.sae_lens_format import dictionary_from_sae_lens

    reading = Reading(selection, input_scale, site, convention)
    if isinstance(path_or_id, str | Path):
        return read_files(path_or_id, reading, format=format, subfolder=subfolder, revision=revision)
    if hasattr(path_or_id, "state_dict") and hasattr(getattr(path_or_id, "cfg", None), "to_dict"):
        return dictionary_from_sae_lens(path_or_id, reading=reading)
    raise InvalidModel(
        f"a path, a hub id or a sae-lens SAE is needed, not {type(path_or_id).__name__}; dictionaries of your own are "
        "made by Dictionary(encoder, encoder_bias, decoder, decoder_bias)"
    )
