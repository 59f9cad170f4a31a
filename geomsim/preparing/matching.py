"""From codes to pairings: two codes are correlated once, and paired in every way that is asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.errors import GeomsimError, InvalidPairing
from geomsim.preparing.blocks import EITHER, LEFT_OUT, WORDS
from geomsim.preparing.dependencies import Dependencies
from geomsim.preparing.jobs import Coupling, Job, Reading
from geomsim.preparing.ledger import Ledger
from geomsim.preparing.reading import tokens_file
from geomsim.progress import track

if TYPE_CHECKING:
    from geomsim.activations.candidates import Candidates
    from geomsim.activations.codes import Codes
    from geomsim.activations.filters import LatentMask
    from geomsim.activations.text import Document
    from geomsim.pairing import Pairing

_HELD_BYTES = 1 << 30  # of opened codes beside the two that are paired


class Pairer:
    """Pairs latents of codes on disk.

    Parameters
    ----------
    text_of
        the documents that features, or neurons, were read on.
    tables
        for each place the reading that its top tokens are of.
    """

    def __init__(
        self,
        ledger: Ledger,
        needs: Dependencies,
        tables: Mapping[str, Reading],
        text_of: Callable[[str], Iterable[Document]],
        made: Mapping[str, Any],
    ) -> None:
        self._ledger = ledger
        self._needs = needs
        self._tables = tables
        self._text_of = text_of
        self._made = made
        self._opened: OrderedDict[tuple[str, ...], Codes] = OrderedDict()

    def pair(self, jobs: Sequence[Job]) -> None:
        """Write all pairings that are not there yet. Where nothing can be paired, the ledger knows why."""
        missing: dict[tuple[Any, ...], dict[str, tuple[Job, str]]] = {}
        for job in jobs:
            digest = self._needs.pairing(job, self._tables)
            if not self._ledger.has(job.file, digest):
                missing.setdefault(job.coupling.key, {})[job.file] = job, digest
        with track(sum(map(len, missing.values())), "pairing") as advance:
            for several in missing.values():
                first = next(iter(several.values()))[0]
                try:
                    masks = self._masks(first.coupling)
                    candidates = self._candidates(first.coupling, masks)
                except GeomsimError as error:
                    raise error.within(first.place) from None
                for file, (job, digest) in several.items():
                    with self._ledger.making({file: digest}) as nothing:
                        try:
                            self._paired(job, candidates, masks).save(self._ledger.path(file))
                        except InvalidPairing as error:
                            nothing[file] = str(error)
                    advance(1)
        self._opened.clear()

    def _candidates(self, coupling: Coupling, masks: Mapping[str, LatentMask]) -> Candidates:
        from geomsim.activations.coactivation import correlate

        sides = [self._codes(reading, coupling) for reading in (coupling.left, coupling.right)]
        left, right = (without(codes, mask) for codes, mask in zip(sides, masks.values(), strict=True))
        # Errors of each r are not shown, and would take half of the time.
        options: dict[str, Any] = dict(coupling.correlating)
        return correlate(left, right, standard_errors=False, **options)

    def _paired(self, job: Job, candidates: Candidates, masks: Mapping[str, LatentMask]) -> Pairing:
        from geomsim.activations.matching import pair
        from geomsim.activations.matching_methods import matching_method
        from geomsim.pairing import Pairing

        direction: Any = "left-to-right" if job.direction == EITHER else job.direction
        left_out = job.coupling.non_concepts == LEFT_OUT
        found = pair(
            candidates, method=matching_method(job.method.name, **job.method.parameters), direction=direction,
            min_weight=job.block.min_weight, left_mask=masks["left"] if left_out else None,
            right_mask=masks["right"] if left_out else None,
        )  # fmt: skip
        told = {**found.provenance, **self._made, "rows": job.left.rows, "units": job.coupling.units}
        if job.coupling.units == WORDS:
            told |= {"words": job.coupling.words, "pool": job.coupling.pool, "windows": job.coupling.left.windows}
        return Pairing(found.left, found.right, found.weight, mass=found.mass, provenance=told)

    def _masks(self, coupling: Coupling) -> dict[str, LatentMask]:
        """Which latents take part, on each side; all where no filter is asked for."""
        from geomsim.activations.filters import LatentMask, non_concepts
        from geomsim.activations.latent_tokens import read_top_tokens

        sides = {"left": coupling.left, "right": coupling.right}
        if coupling.non_concepts == LEFT_OUT:
            tables = {side: tokens_file(reading.place) for side, reading in sides.items()}
            return {side: non_concepts(read_top_tokens(self._ledger.path(file))) for side, file in tables.items()}
        return {
            side: LatentMask(np.ones(self._codes(reading, coupling).n_latents, dtype=bool))
            for side, reading in sides.items()
        }

    def _codes(self, reading: Reading, coupling: Coupling) -> Codes:
        """Codes of tokens or words; the last ones that were opened are at hand, as far as there is room."""
        from geomsim.activations.codes import Codes
        from geomsim.activations.pooling import pool_words

        key = (reading.file, *((coupling.pool, coupling.words) if coupling.units == WORDS else ()))
        if key not in self._opened:
            codes = Codes.open(self._ledger.path(reading.file))
            if coupling.units == WORDS:
                pool: Any = coupling.pool
                codes = pool_words(codes, self._text_of(reading.place.rows), pool, coupling.words)
            self._opened[key] = codes
        self._opened.move_to_end(key)
        while len(self._opened) > 2 and sum(map(_bytes, self._opened.values())) > _HELD_BYTES:
            self._opened.popitem(last=False)
        return self._opened[key]


def without(codes: Codes, mask: LatentMask) -> Codes:
    """The codes with the latents that the mask leaves out silent: nobody's partner, and the numbers stay as they are.

    Leaving the columns out before partners are looked for gives the same candidates under other numbers; taking them
    out of the candidates afterwards would leave a latent without any whose best partners are all left out.
    """
    from geomsim.activations.codes import Codes

    if mask.keep.all():
        return codes
    matrix = codes.matrix.copy()
    if codes.is_sparse:
        matrix.data *= mask.keep[matrix.indices]
    else:
        matrix[:, ~mask.keep] = 0
    return Codes(matrix, codes.tokens, codes.groups, codes.name, codes.provenance)


def _bytes(codes: Codes) -> int:
    matrix = codes.matrix
    return int(matrix.data.nbytes + matrix.indices.nbytes if codes.is_sparse else matrix.nbytes)
