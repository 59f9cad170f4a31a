"""Codes: what the latents of one dictionary (or the neurons of one layer) do on every token of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from geomsim.errors import InvalidCodes

if TYPE_CHECKING:
    from geomsim.activations.tokens import TokenTable

# Above this share of non-zeros a dense product is faster than a sparse one (about one tenth on one core).
_SPARSE_BELOW = 0.1


@dataclass(frozen=True, eq=False)
class Codes:
    """Activations of one dictionary over a text, (tokens, latents): sparse (CSR) or, for raw neurons, dense.

    Parameters
    ----------
    matrix
        (tokens, latents): a scipy sparse matrix stays sparse, a numpy array or torch tensor stays dense.
        Values become float32; explicit zeros and repeated entries of a sparse matrix are folded away.
    tokens
        the token table, one entry per row; None for arrays whose text nobody knows.
    groups
        one label per token, documents as a rule; taken from the token table where it is left out. Whole numbers stay
        as they are, other labels are numbered.
    name, provenance
        shown in results. ``provenance["text_hash"]`` says which text was read where there is no token table.

    Raises
    ------
    InvalidCodes
        on no tokens, no latents, NaN or infinite values (how many tokens, the first of them), or a token table or
        groups that do not have one entry per token.

    >>> codes = Codes.from_dense([[0.0, 2.0], [0.0, 1.0], [3.0, 0.0]])
    >>> codes.n_tokens, codes.n_latents, codes.l0
    (3, 2, 1.0)
    >>> codes.firings()
    array([1, 2])
    """

    matrix: Any
    tokens: TokenTable | None
    groups: NDArray[np.int64] | None
    name: str
    provenance: Mapping[str, Any]

    def __init__(
        self,
        matrix: Any,
        tokens: TokenTable | None = None,
        groups: Sequence[Any] | NDArray[Any] | None = None,
        name: str = "",
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        called = f"codes {name!r}" if name else "the codes"
        values = _checked(matrix, called)
        n_tokens = int(values.shape[0])
        if tokens is not None and len(tokens) != n_tokens:
            raise InvalidCodes(
                f"{called} have {n_tokens} tokens but a token table of {len(tokens)}; one entry per token is needed"
            )
        if groups is None and tokens is not None:
            groups = tokens.document
        if groups is not None and len(groups) != n_tokens:
            raise InvalidCodes(
                f"{called} have {n_tokens} tokens but {len(groups)} groups; one label per token is needed"
            )
        labels = None if groups is None else np.asarray(groups)
        if labels is not None and labels.dtype.kind not in "iu":
            labels = np.unique(labels, return_inverse=True)[1]
        object.__setattr__(self, "matrix", values)
        object.__setattr__(self, "tokens", tokens)
        object.__setattr__(self, "groups", None if labels is None else labels.astype(np.int64))
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "provenance", dict(provenance or {}))

    @classmethod
    def from_dense(
        cls, activations: Any, groups: Sequence[Any] | NDArray[Any] | None = None, *, sparse: bool | None = None
    ) -> Self:
        """Codes from a (tokens, latents) array or tensor.

        ``sparse=None`` keeps only the non-zeros where at most a tenth of the values are non-zero. The choice changes
        speed and memory, never a result.
        """
        values = _as_numpy(activations, "the codes")
        if values.ndim == 2 and sparse is not False:
            import scipy.sparse

            if sparse or (values.size and np.count_nonzero(values) <= _SPARSE_BELOW * values.size):
                return cls(scipy.sparse.csr_array(values), groups=groups)
        return cls(values, groups=groups)

    @classmethod
    def from_scipy(cls, matrix: Any, groups: Sequence[Any] | NDArray[Any] | None = None) -> Self:
        """Codes from any scipy sparse matrix of shape (tokens, latents)."""
        import scipy.sparse

        if not scipy.sparse.issparse(matrix):
            raise InvalidCodes(
                f"from_scipy takes a scipy sparse matrix, got {type(matrix).__name__}; use Codes.from_dense"
            )
        return cls(matrix, groups=groups)

    @classmethod
    def open(cls, path: str | Path, *, verify: bool = True) -> Self:
        """Read codes that :meth:`save` or a :class:`CodesWriter` wrote; ``verify`` compares every shard's hash.

        Raises InvalidCodes, naming the file, on a missing, truncated, damaged or foreign shard.
        """
        from geomsim.activations.codes_reader import open_codes

        return open_codes(path, verify=verify, into=cls)

    def save(
        self,
        path: str | Path,
        *,
        dtype: str = "float32",
        replace: bool = False,
        shard_documents: Sequence[int] | None = None,
    ) -> Path:
        """Write a directory of safetensors shards with a manifest; `Codes.open(path)` reads it again.

        With ``dtype="float16"`` values are rounded to half the space. ``replace`` allows overwriting older codes.
        ``shard_documents`` are the numbers of the documents that shards begin with: codes of two models that are to be
        counted shard by shard (:func:`count_codes`) need the same; without it, shards hold about 65,536 rows.
        """
        from geomsim.activations.codes_writer import save_codes

        return save_codes(self, path, dtype=dtype, replace=replace, shard_documents=shard_documents)

    @property
    def is_sparse(self) -> bool:
        """Whether only the non-zeros are held."""
        return not isinstance(self.matrix, np.ndarray)

    @property
    def n_tokens(self) -> int:
        """Number of tokens (rows)."""
        return int(self.matrix.shape[0])

    @property
    def n_latents(self) -> int:
        """Number of latents or neurons (columns)."""
        return int(self.matrix.shape[1])

    @property
    def text_hash(self) -> str:
        """Hash of the text that was read, or "" where it is not known."""
        return str(self.provenance.get("text_hash", "")) if self.tokens is None else self.tokens.text_hash

    @property
    def n_firings(self) -> int:
        """Number of non-zeros in all."""
        return int(self.matrix.nnz) if self.is_sparse else int(np.count_nonzero(self.matrix))

    @property
    def l0(self) -> float:
        """Mean number of non-zero latents per token."""
        return self.n_firings / self.n_tokens

    def firings(self) -> NDArray[np.int64]:
        """On how many tokens each latent is not zero, (n_latents,)."""
        if self.is_sparse:
            return np.bincount(self.matrix.indices, minlength=self.n_latents).astype(np.int64)
        return np.asarray(np.count_nonzero(self.matrix, axis=0), dtype=np.int64)

    def latent(self, latent: int) -> NDArray[np.float32]:
        """The activation of one latent on every token, (n_tokens,). InvalidCodes where there is no such latent."""
        if isinstance(latent, bool) or not isinstance(latent, int | np.integer) or not 0 <= latent < self.n_latents:
            raise InvalidCodes(f"there is no latent {latent!r}: {self!r} has latents 0 to {self.n_latents - 1}")
        if not self.is_sparse:
            return np.asarray(self.matrix[:, latent])
        column = np.zeros(self.n_tokens, dtype=np.float32)
        places = np.flatnonzero(self.matrix.indices == latent)
        column[np.searchsorted(self.matrix.indptr, places, side="right") - 1] = self.matrix.data[places]
        return column

    def dense(self) -> NDArray[np.float32]:
        """All activations as a dense float32 array, (n_tokens, n_latents)."""
        return np.asarray(self.matrix.toarray() if self.is_sparse else self.matrix)

    def take(self, rows: NDArray[np.int64]) -> Self:
        """The named tokens, in the named order, with their token table and groups."""
        copy = object.__new__(type(self))
        object.__setattr__(copy, "matrix", self.matrix[rows])
        object.__setattr__(copy, "tokens", None if self.tokens is None else self.tokens.take(rows))
        object.__setattr__(copy, "groups", None if self.groups is None else self.groups[rows])
        object.__setattr__(copy, "name", self.name)
        object.__setattr__(copy, "provenance", self.provenance)
        return copy

    def __len__(self) -> int:
        return self.n_tokens

    def __repr__(self) -> str:
        kind = f"L0 {self.l0:.1f}" if self.is_sparse else "dense"
        return f"Codes({self.name!r}, {self.n_tokens} tokens x {self.n_latents} latents, {kind})"


def _is_sparse_tensor(values: Any) -> bool:
    return type(values).__module__.partition(".")[0] == "torch" and str(values.layout) != "torch.strided"


def _as_numpy(values: Any, called: str) -> NDArray[Any]:
    if type(values).__module__.partition(".")[0] == "torch":
        values = values.detach().cpu()
        values = (values.float() if values.dtype.itemsize < 4 and values.is_floating_point() else values).numpy()
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InvalidCodes(f"{called} are not a table of numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise InvalidCodes(f"{called} hold {array.dtype}, not numbers")
    return array


def _checked(matrix: Any, called: str) -> Any:
    """The matrix as finite float32 (tokens, latents), CSR without zeros or dense; or the reason why it is none."""
    import scipy.sparse

    if _is_sparse_tensor(matrix):
        stored = matrix.detach().cpu().double().to_sparse_coo().coalesce()
        places = tuple(stored.indices().numpy())
        matrix = scipy.sparse.coo_array((stored.values().numpy(), places), shape=tuple(stored.shape))
    sparse = scipy.sparse.issparse(matrix)
    if not sparse:
        matrix = _as_numpy(matrix, called)
    if matrix.ndim != 2:
        raise InvalidCodes(f"{called} must be (tokens, latents), got shape {tuple(matrix.shape)}")
    if not matrix.shape[0] or not matrix.shape[1]:
        raise InvalidCodes(
            f"{called} have no {'latents' if matrix.shape[0] else 'tokens'}: shape {tuple(matrix.shape)}"
        )
    if not sparse:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is reported below
            values = np.asarray(matrix, dtype=np.float32)
        _refuse_infinite(np.flatnonzero(~np.isfinite(values).all(axis=1)), values.shape[0], called)
        return values
    if matrix.dtype.kind not in "fiub":
        raise InvalidCodes(f"{called} hold {matrix.dtype}, not numbers")
    with np.errstate(over="ignore"):
        rows = scipy.sparse.csr_array(matrix, dtype=np.float32)
    if not rows.has_canonical_format or not rows.data.all():
        rows = rows.copy()  # the caller's matrix stays as it is
        rows.sum_duplicates()
        rows.eliminate_zeros()
    finite = np.isfinite(rows.data)
    if not finite.all():
        bad = np.unique(np.searchsorted(rows.indptr, np.flatnonzero(~finite), side="right") - 1)
        _refuse_infinite(bad, rows.shape[0], called)
    return rows


def _refuse_infinite(bad: NDArray[Any], n_tokens: int, called: str) -> None:
    if len(bad):
        raise InvalidCodes(
            f"{called} have NaN or infinite values on {len(bad)} of {n_tokens} tokens, the first is token "
            f"{int(bad[0])}; leave those tokens out of both sides or find where they come from (float16 overflow?)"
        )
