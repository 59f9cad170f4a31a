"""Dictionaries: sparse autoencoders that write an activation as a sum of few directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InvalidModel

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from torch import Tensor

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
        "relu"; "topk" keeps the `k` largest, and of these the positive ones; "jumprelu" keeps what is positive and
        above `threshold`.
    k, threshold
        a number; (latents,) float32.
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
        "raw" for the model as published, "centred" where the mean of each residual row was removed, "" unknown.
    name, sha256, provenance
        shown in results; the hash is of the files that were read.

    Raises
    ------
    InvalidModel
        where shapes do not fit each other, the decoder is transposed, or a weight is not finite.
    """

    encoder: Tensor
    encoder_bias: Tensor
    decoder: Tensor
    decoder_bias: Tensor
    activation: Literal["relu", "topk", "jumprelu"] = "relu"
    k: int | None = None
    threshold: Tensor | None = None
    subtract_decoder_bias: bool = True
    scale_before_activation: bool = False
    normalisation: Literal["none", "layer_norm", "constant_norm_rescale"] = "none"
    site: str | None = None
    convention: str = ""
    name: str = ""
    sha256: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.encoder.ndim != 2 or self.decoder.ndim != 2:
            raise InvalidModel(
                f"{self._called}: encoder and decoder must be matrices, not of shapes {tuple(self.encoder.shape)} and "
                f"{tuple(self.decoder.shape)}"
            )
        width, latents = self.encoder.shape
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
        if self.activation == "topk" and not (self.k and 1 <= self.k <= latents):
            raise InvalidModel(f"{self._called}: k is {self.k}; a number from 1 to {latents} latents is needed")
        for part in self._tensors():
            value = getattr(self, part)
            if not value.isfinite().all():
                raise InvalidModel(
                    f"{self._called}: {part} holds {int((~value.isfinite()).sum())} NaN or infinite numbers"
                )
            object.__setattr__(self, part, value.detach().float())

    @property
    def width(self) -> int:
        """Width of the activations it reads."""
        return int(self.encoder.shape[0])

    @property
    def latents(self) -> int:
        """Number of latents."""
        return int(self.encoder.shape[1])

    @property
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

        The dense intermediate is held for a few thousand rows at a time.
        """
        import scipy.sparse
        import torch

        self.check_fits(int(points.shape[-1]))
        counts, columns, values = [np.zeros(1, dtype=np.int64)], [], []
        with torch.no_grad():
            norms = self.decoder_norms
            for chunk in torch.split(points, max(1, _DENSE_BYTES // (4 * self.latents))):
                column, value = self._firing(chunk.to(self.encoder), norms)
                kept = value > 0
                counts.append(kept.sum(1).cpu().numpy())
                firing = kept.nonzero()[:, 1] if column is None else column[kept]
                columns.append(firing.int().cpu().numpy())
                values.append(value[kept].cpu().numpy())
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

        A site or convention that either side does not know is not compared.
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

    def to(self, device: Any) -> Self:
        """The same dictionary on another device."""
        return replace(self, **{part: getattr(self, part).to(device) for part in self._tensors()})

    def __repr__(self) -> str:
        kind = f"topk, k={self.k}" if self.activation == "topk" else self.activation
        return f"Dictionary({self.name!r}, {self.latents} latents of width {self.width}, {kind}, site {self.site!r})"

    @property
    def _called(self) -> str:
        return f"dictionary {self.name!r}" if self.name else "the dictionary"

    def _tensors(self) -> list[str]:
        names = ("encoder", "encoder_bias", "decoder", "decoder_bias", "threshold")
        return [each.name for each in fields(self) if each.name in names and getattr(self, each.name) is not None]

    def _scale_of(self, points: Tensor) -> tuple[Tensor, Tensor]:
        if self.normalisation == "layer_norm":
            return points.mean(1, keepdim=True), points.std(1, keepdim=True)
        norms = points.norm(dim=1, keepdim=True)
        return points.new_zeros(()), norms / self.width**0.5

    def _firing(self, points: Tensor, norms: Tensor) -> tuple[Tensor | None, Tensor]:
        """Codes, and which latents they are of: (rows, k) both, or (rows, latents) and None. A 0 is no firing."""
        if self.normalisation != "none":
            shift, scale = self._scale_of(points)
            # The small constant is the one that layer_norm dictionaries were trained with.
            points = (points - shift) / (scale + (1e-5 if self.normalisation == "layer_norm" else 0))
        if self.subtract_decoder_bias:
            points = points - self.decoder_bias
        before = (points @ self.encoder).add_(self.encoder_bias)
        if self.scale_before_activation:
            before = before * norms
        columns = None
        if self.activation == "topk":
            columns = before.topk(int(self.k or 0), dim=1, sorted=False).indices.sort(dim=1).values
            before, norms = before.gather(1, columns), norms[columns]
        codes = before.relu()
        if self.activation == "jumprelu" and self.threshold is not None:
            codes = codes * (before > self.threshold)
        return columns, codes if self.scale_before_activation else codes * norms


def read_dictionary(path_or_id: str | Path, *, revision: str | None = None) -> Dictionary:
    """A dictionary from a directory, or from a hub id with the folder behind it (``owner/repository/folder``).

    Formats: sae-lens directories (``cfg.json`` and ``sae_weights.safetensors``) of standard, topk and jumprelu
    dictionaries; batch-topk ones are jumprelu once saved for use.

    Raises
    ------
    InvalidModel
        where files are missing or damaged, shapes do not fit, or something in the configuration is not supported.
    """
    folder = _local_folder(path_or_id, revision)
    for is_format, read in _formats():
        if is_format(folder):
            return read(folder)
    inside = sorted(entry.name for entry in folder.iterdir())
    below = sorted(found.parent.relative_to(folder).as_posix() for found in folder.rglob("cfg.json"))
    hint = f"; dictionaries lie below it at {', '.join(below[:6])}" if below else ""
    raise InvalidModel(
        f"{folder}: no dictionary in a known format (sae-lens: cfg.json and sae_weights.safetensors); "
        f"it holds {', '.join(inside[:8]) or 'nothing'}{hint}"
    )


def _formats() -> tuple[tuple[Callable[[Path], bool], Callable[[Path], Dictionary]], ...]:
    """How to tell each format, and its reader. A new format is one more line."""
    from geomsim.activations import sae_lens_format

    return ((sae_lens_format.is_sae_lens, sae_lens_format.read_sae_lens),)


def _local_folder(path_or_id: str | Path, revision: str | None) -> Path:
    path = Path(path_or_id).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        raise InvalidModel(f"{path}: a file where a dictionary's directory is needed; name the directory it lies in")
    parts = str(path_or_id).split("/")
    if isinstance(path_or_id, Path) or len(parts) < 2 or not all(re.fullmatch(r"\w[\w.-]*", part) for part in parts):
        raise InvalidModel(f"{path}: no such dictionary directory")
    try:
        from huggingface_hub import snapshot_download

        inside = "/".join(parts[2:])
        names = [f"{inside}/{name}" if inside else name for name in ("cfg.json", "sae_weights.safetensors")]
        root = Path(snapshot_download("/".join(parts[:2]), revision=revision, allow_patterns=names))
    except Exception as error:  # the hub client raises many kinds, among them those of its network library
        reason = str(error).strip().split("\n")[0]
        raise InvalidModel(
            f"{path_or_id}: no such directory here, and as a hub id it could not be fetched ({reason})"
        ) from error
    if not (root / inside).is_dir():
        raise InvalidModel(f"{path_or_id}: the repository {'/'.join(parts[:2])} has no dictionary at {inside!r}")
    return root / inside
