"""Activations of any torch module, given a function that tokenizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from geomsim.activations.hooks import Tap, paths_of, read_taps, submodule, width_at
from geomsim.activations.source import Batch, checked_sites, parse_site
from geomsim.activations.text import Document
from geomsim.activations.tokenization import Tokenization, Tokenize
from geomsim.activations.windowed_source import WindowedSource
from geomsim.activations.windows import Windowing, read_batches
from geomsim.errors import InvalidConfig, InvalidModel

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


class ModuleSource(WindowedSource):
    """Any ``torch.nn.Module`` that turns (windows, positions) token numbers into something; sites are module paths.

    Parameters
    ----------
    module
        run in evaluation mode, without gradients; its mode is put back after each batch.
    tokenize
        text to (token numbers, character spans (start, end)), one span per token.
    context
        tokens per window.
    forward
        called with ids and mask, both (windows, positions) int64, to run the module. Without it the module is
        called with ids alone, and no batch mixes windows of different lengths, so it never sees padding.
    special_ids, pad_id, keep_first, max_norm_multiple
        what is left out; see :mod:`geomsim.activations.windows`.
    bos
        the number of the beginning-of-text token that each window begins with; None for no such token.

    Raises
    ------
    InvalidModel
        for a site that is no module path, with the paths there are.
    InvalidConfig
        where `bos` is no token number.
    """

    def __init__(
        self,
        module: Module,
        tokenize: Tokenize,
        *,
        context: int,
        forward: Callable[[Tensor, Tensor], object] | None = None,
        special_ids: Iterable[int] = (),
        pad_id: int = 0,
        keep_first: bool = False,
        max_norm_multiple: float | None = None,
        bos: int | None = None,
        name: str = "",
    ) -> None:
        if isinstance(bos, bool) or (bos is not None and bos < 0):
            raise InvalidConfig(f"bos is {bos!r}; the number of the token that windows begin with is needed, or None")
        self._module = module
        self._tokenization = Tokenization(tokenize, frozenset(special_ids), pad_id, bos=bos)
        self._windowing = Windowing(context, keep_first, max_norm_multiple)
        self._equal_lengths = forward is None
        self._forward: Callable[[Tensor, Tensor], object] = forward or (lambda ids, mask: module(ids))
        self._name = name or type(module).__name__

    @property
    def name(self) -> str:
        """The given name, or the module's class."""
        return self._name

    @property
    def provenance(self) -> dict[str, Any]:
        """Class and reading options; the module itself cannot be named."""
        return {
            "source": "module", "model": self._name, "class": type(self._module).__qualname__,
            "convention": self.convention, **self._reading(),
        }  # fmt: skip

    def sites(self) -> tuple[str, ...]:
        """All module paths."""
        return tuple(path for path, _ in self._module.named_modules() if path)

    def width(self, site: str) -> int:
        """Found by running one token."""
        return width_at(self._module, self._tap(site), site, self._forward)

    def read(self, documents: Sequence[Document], sites: Sequence[str], *, batch_tokens: int = 4096) -> Iterator[Batch]:
        """See :meth:`Source.read`."""
        sites = checked_sites(sites)
        taps = {site: self._tap(site) for site in sites}
        batches = self._batches(documents, batch_tokens, equal_lengths=self._equal_lengths)
        return read_batches(
            batches,
            sites,
            lambda batch: read_taps(self._module, taps, batch, self._run),
            self.width,
            self._windowing,
        )

    def _run(self, ids: Tensor, mask: Tensor) -> object:
        try:
            return self._forward(ids, mask)
        except IndexError as error:
            raise InvalidModel(
                f"{self._name}: the module fails on token numbers up to {int(ids.max())} in windows of {ids.shape[1]} "
                f"({error}); does this tokenizer belong to it, and is its context that long?"
            ) from error

    def _tap(self, site: str) -> Tap:
        if parse_site(site):
            raise InvalidModel(f"site {site!r}: a plain module has no numbered blocks; {paths_of(self._module)}")
        submodule(self._module, site, site)
        return Tap(site)
