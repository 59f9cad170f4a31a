"""Activations that the user already has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.activations.source import Batch, Source, checked_sites
from geomsim.activations.text import Document
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidConfig, InvalidModel, InvalidText

if TYPE_CHECKING:
    from torch import Tensor


class ArraySource(Source):
    """Plain arrays as a source: ``{site: (rows, width)}``, row i of every array being the same token.

    Parameters
    ----------
    activations
        numpy arrays, torch tensors or anything array-like.
    groups
        one label per row (documents, say); rows without labels form one document.
    tokens
        the token table of the rows, where there is one. Without it positions are counted within each group, and
        token numbers are -1 with no characters.
    name
        shown in results.

    Raises
    ------
    InvalidModel
        on no arrays or no rows, arrays that are not (rows, width) or differ in rows, NaN or infinite values.

    >>> source = ArraySource({"mine": [[1.0, 0.0], [0.0, 2.0]]}, groups=["a", "b"])
    >>> [batch.tokens.document.tolist() for batch in source.read([], ["mine"])]
    [[0, 1]]
    """

    def __init__(
        self,
        activations: Mapping[str, ArrayLike | Tensor],
        groups: Sequence[Any] | NDArray[Any] | None = None,
        *,
        tokens: TokenTable | None = None,
        name: str = "arrays",
    ) -> None:
        if not activations:
            raise InvalidModel("no arrays: give at least one, as {'residual:0': array}")
        self._arrays = {site: _checked(values, site) for site, values in activations.items()}
        sizes = {site: len(values) for site, values in self._arrays.items()}
        if len(set(sizes.values())) > 1:
            raise InvalidModel(f"arrays differ in rows ({sizes}); row i of each must be the same token")
        n_rows = next(iter(sizes.values()))
        if tokens is not None and groups is not None:
            raise InvalidModel("give groups or a token table, which has groups already, not both")
        for what, labels in (("groups", groups), ("rows in its token table", tokens)):
            if labels is not None and len(labels) != n_rows:
                raise InvalidModel(f"{n_rows} rows of activations but {len(labels)} {what}; one per row is needed")
        self._tokens = _counted(groups, n_rows) if tokens is None else tokens
        self._name = name

    @property
    def name(self) -> str:
        """The given name."""
        return self._name

    @property
    def provenance(self) -> dict[str, Any]:
        """That these are arrays; nothing else is known of them."""
        return {"source": "arrays", "model": self._name, "rows": len(self._tokens)}

    def sites(self) -> tuple[str, ...]:
        """The names of the arrays."""
        return tuple(self._arrays)

    def width(self, site: str) -> int:
        """Columns of the array."""
        return int(self._array(site).shape[1])

    def read(self, documents: Sequence[Document], sites: Sequence[str], *, batch_tokens: int = 4096) -> Iterator[Batch]:
        """The rows in their order; `documents` must be empty, for arrays have been read already."""
        if documents:
            raise InvalidText(f"{self._name}: arrays are activations already and read no text; pass no documents")
        if batch_tokens < 1:
            raise InvalidConfig(f"batch_tokens is {batch_tokens}; at least 1 is needed")
        arrays = {site: self._array(site) for site in checked_sites(sites)}
        return self._batches(arrays, batch_tokens)

    def _batches(self, arrays: Mapping[str, NDArray[np.float32]], batch_tokens: int) -> Iterator[Batch]:
        import torch

        for begin in range(0, len(self._tokens), batch_tokens):
            rows = np.arange(begin, min(begin + batch_tokens, len(self._tokens)))
            tokens = self._tokens.take(rows)
            if begin:  # the counts belong to the whole table and are given once
                tokens = tokens.counted({})
            yield Batch(tokens, {site: torch.from_numpy(values[rows]) for site, values in arrays.items()})

    def _array(self, site: str) -> NDArray[np.float32]:
        if site not in self._arrays:
            raise InvalidModel(f"site {site!r}: no such array; there are {', '.join(map(repr, self._arrays))}")
        return self._arrays[site]


def _checked(values: ArrayLike | Tensor, site: str) -> NDArray[np.float32]:
    import torch

    if isinstance(values, torch.Tensor):
        values = values.detach().float().cpu().numpy()
    array = np.asarray(values, dtype=np.float32)
    if array.ndim != 2 or not array.shape[0] or not array.shape[1]:
        raise InvalidModel(f"site {site!r}: an array of shape {array.shape} where (rows, width) is needed")
    bad = ~np.isfinite(array).all(axis=1)
    if bad.any():
        raise InvalidModel(
            f"site {site!r}: {int(bad.sum())} of {len(array)} rows have a NaN or an infinity, "
            f"first row {int(bad.argmax())}"
        )
    return array


def _counted(groups: Sequence[Any] | NDArray[Any] | None, n_rows: int) -> TokenTable:
    labels = np.zeros(n_rows, dtype=np.int64) if groups is None else np.asarray(groups)
    names, document = np.unique(labels, return_inverse=True)
    order = np.argsort(document, kind="stable")
    position = np.empty(n_rows, dtype=np.int64)
    counts = np.bincount(document)
    position[order] = np.arange(n_rows) - np.repeat(np.cumsum(counts) - counts, counts)
    nothing = np.zeros(n_rows, dtype=np.int32)
    return TokenTable(
        document.astype(np.int32), position.astype(np.int32), nothing, nothing, nothing - 1, tuple(map(str, names))
    )
