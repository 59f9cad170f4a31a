"""Counted sums: what correlations of a text are made of, block by block, to be merged and added up."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from geomsim.activations.best_partners import Best
from geomsim.activations.candidates import (
    Candidates,
    assemble,
    eligible_latents,
    named_pairs,
    refuse_options,
)
from geomsim.activations.coactivation_sums import Measure
from geomsim.activations.codes import Codes
from geomsim.activations.counted_block import CountedBlock
from geomsim.activations.counted_partners import PooledSums
from geomsim.activations.jackknife import errors_of_pairs
from geomsim.activations.pooled_side import PooledSide, groups_of_blocks
from geomsim.activations.words import made_of_words
from geomsim.errors import GeomsimWarning, InvalidCodes
from geomsim.memory import batch_budget

# A standard error of k blocks is itself off by about 1 / sqrt(2 (k - 1)): a quarter for 10.
_FEW_BLOCKS = 10
# Mean square over variance beyond which a reader is told how few digits are left.
_CONDITION = 1e7


@dataclass(frozen=True)
class SideIdentity:
    """Whose latents were counted on one side, and on what: tokens, or words and how they were pooled.

    Texts are "" where they are not known.
    """

    n_latents: int
    name: str = ""
    model: str = ""
    site: str = ""
    dictionary: str = ""
    rows: str = "tokens"

    @classmethod
    def of(cls, codes: Codes) -> Self:
        """That of codes."""
        known = {name: str(codes.provenance.get(name, "")) for name in ("model", "site", "dictionary")}
        words = made_of_words(codes)
        if words is not None:
            known["rows"] = f"words ({words.get('pool')}, {words.get('pattern')})"
        return cls(codes.n_latents, codes.name, **known)


@dataclass(frozen=True)
class Identity:
    """What was counted: sums of unlike things are not to be added up."""

    left: SideIdentity
    right: SideIdentity
    measure: Measure

    @classmethod
    def of(cls, left_codes: Codes, right_codes: Codes, measure: Measure) -> Self:
        """That of two codes."""
        return cls(SideIdentity.of(left_codes), SideIdentity.of(right_codes), measure)

    def joined(self, other: Identity, where: str = "counted sums") -> Identity:
        """Both as one; InvalidCodes where anything that both know differs, names aside."""
        if self.measure != other.measure:
            raise InvalidCodes(
                f"{where} do not belong together: measure {self.measure} and {other.measure}; count both alike"
            )
        sides = {}
        for side in ("left", "right"):
            one, two = asdict(getattr(self, side)), asdict(getattr(other, side))
            for what, value in two.items():
                if one[what] and value and one[what] != value and what != "name":
                    raise InvalidCodes(
                        f"{where} do not belong together: {side} {what.replace('n_', 'number of ')} {one[what]!r} and "
                        f"{value!r}; merge only sums of the same two dictionaries"
                    )
                one[what] = one[what] or value
            sides[side] = SideIdentity(**one)
        return Identity(**sides, measure=self.measure)


class CountedSums:
    """The sums of one or several blocks of text, each kept apart under its number.

    Blocks are added up only when candidates are asked for, in the order of their numbers. So it does not matter who
    counted which block, when, and in what order they were merged: the results have the same bits.

    Raises InvalidCodes when text was counted twice: when a block's number, its documents (by the hash of their names
    and texts), the codes it was counted of, or a document of one text is there twice. Documents of different texts may
    have the same numbers.
    """

    def __init__(self, identity: Identity, blocks: Iterable[CountedBlock]) -> None:
        self.identity = identity
        self.blocks = tuple(sorted(blocks, key=lambda block: block.number))
        _refuse_text_counted_twice(self.blocks)

    @property
    def n_tokens(self) -> int:
        """Tokens counted in all blocks."""
        return sum(block.n_tokens for block in self.blocks)

    @property
    def n_pairs(self) -> int:
        """Cross sums held: pairs of latents that co-fire, in each block (for dense codes all pairs)."""
        return sum(len(tile.sums) for block in self.blocks for tile in block.tiles)

    def merge(self, *others: CountedSums) -> CountedSums:
        """The blocks of all; the order does not matter.

        Raises InvalidCodes when they are of other models, dictionaries, numbers of latents or measures, or text is
        counted in more than one.

        >>> from geomsim.activations.counting import count
        >>> codes = Codes.from_dense([[1.0, 2.0], [3.0, 0.0]])
        >>> count(codes, codes, block=0).merge(count(codes, codes, block=1)).n_tokens
        4
        """
        identity = self.identity
        for other in others:
            identity = identity.joined(other.identity)
        return CountedSums(identity, [block for sums in (self, *others) for block in sums.blocks])

    def candidates(
        self,
        top: int = 16,
        min_firings: int = 100,
        min_cofirings: int = 20,
        *,
        max_blocks: int = 20,
        standard_errors: bool = True,
        memory: int | None = None,
    ) -> Candidates:
        """What :func:`correlate` gives for the whole text with these blocks; options as there.

        Standard errors are those of a jackknife over blocks, as they were counted: `count_codes` makes one of each
        shard of the codes, and blocks cannot be divided afterwards. Where there are more than `max_blocks`,
        neighbouring ones go together. Below 10 a GeomsimWarning says on how many they rest: an error from k blocks is
        itself uncertain by about ``1 / sqrt(2 (k - 1))`` of its size. It is infinite for every pair where there is one
        block, and for a pair of which one latent varies in one block alone.

        Raises InvalidCodes when nothing was counted or an option is out of range.
        """
        refuse_options(top, min_firings, min_cofirings, max_blocks)
        blocks = [block for block in self.blocks if block.n_tokens]
        if not blocks:
            raise InvalidCodes(f"{len(self.blocks)} counted blocks hold no token; there is nothing to correlate")
        if standard_errors and len(blocks) < _FEW_BLOCKS:
            _warn_of_few_blocks(len(blocks))
        budget = memory or batch_budget()
        sizes = [block.n_tokens for block in blocks]
        group_of = groups_of_blocks(len(blocks), max_blocks)
        measure = self.identity.measure
        left = PooledSide([block.left for block in blocks], sizes, group_of, measure)
        right = PooledSide([block.right for block in blocks], sizes, group_of, measure)
        eligible = eligible_latents(left, min_firings), eligible_latents(right, min_firings)
        for side, pooled, mask in (("left", left, eligible[0]), ("right", right, eligible[1])):
            _warn_of_lost_digits(side, pooled, mask)
        best_right, best_left = Best(left.n_latents, top), Best(right.n_latents, top)
        sums = PooledSums(blocks, left, right, group_of)
        enough = sums.offer(eligible, best_left, best_right, min_cofirings, budget)
        errors = None
        if standard_errors:
            pairs = named_pairs(best_left, best_right)
            errors = errors_of_pairs(left, right, *pairs, budget, sums.products)
        thresholds = {"top": top, "min_firings": min_firings, "min_cofirings": min_cofirings}
        return assemble(
            left,
            right,
            eligible,
            best_left,
            best_right,
            enough,
            errors,
            "counted",
            {**self._provenance(), **thresholds},
        )

    def save(self, path: str | Path, *, replace: bool = False) -> Path:
        """Write a directory with one safetensors file per block, each of which appears whole or not at all.

        Blocks that are there already are an error without `replace`; blocks of other numbers stay, so that sums of more
        text can be saved beside them.
        """
        from geomsim.activations.counted_files import save_sums

        return save_sums(self, path, replace=replace)

    @classmethod
    def open(cls, path: str | Path, *, verify: bool = True) -> CountedSums:
        """Read what :meth:`save` or :func:`count_codes` wrote; the cross sums stay mapped from disk.

        Raises InvalidCodes, naming the file, where there are no blocks, one is damaged (`verify` compares its hash) or
        of other dictionaries than the others.
        """
        from geomsim.activations.counted_files import open_sums

        return open_sums(path, verify=verify)

    def __repr__(self) -> str:
        sides = f"{self.identity.left.n_latents} left and {self.identity.right.n_latents} right latents"
        return f"CountedSums({len(self.blocks)} blocks, {self.n_tokens} tokens, {sides})"

    def _provenance(self) -> dict[str, Any]:
        left_out: Counter[str] = Counter({"left": 0, "right": 0})
        for block in self.blocks:
            left_out.update(block.left_out)
        hashes = sorted({block.text_hash for block in self.blocks})
        return {
            "left": self.identity.left.name,
            "right": self.identity.right.name,
            "text_hash": hashes[0] if len(hashes) == 1 else "",
            "measure": self.identity.measure,
            "tokens_left_out": dict(left_out),
        }


def _refuse_text_counted_twice(blocks: Iterable[CountedBlock]) -> None:
    seen: set[int] = set()
    holder: dict[str, dict[int, int]] = {}
    counted: dict[tuple[str, str], int] = {}
    for block in blocks:
        if block.number in seen:
            raise InvalidCodes(
                f"block {block.number} is there twice: either its text was counted twice, or two parts of the text "
                "were given one number; count each part once, under a number of its own (block=)"
            )
        seen.add(block.number)
        # Codes without documents may repeat: rows on which nothing fires are alike.
        marks = {"documents": block.documents_hash, "codes": block.source if len(block.documents) else ""}
        for what, mark in marks.items():
            if mark and (other := counted.setdefault((what, mark), block.number)) != block.number:
                raise InvalidCodes(
                    f"blocks {other} and {block.number} were counted of the same {what}: text was counted twice under "
                    "different numbers; keep one of the two"
                )
        if not block.text_hash:
            continue  # numbers of documents mean nothing without the text
        documents = holder.setdefault(block.text_hash, {})
        for document in block.documents.tolist():
            if document in documents:
                raise InvalidCodes(
                    f"document {document} is in blocks {documents[document]} and {block.number}: text was counted "
                    "twice, or a document was cut; a block must hold whole documents"
                )
            documents[document] = block.number


def _warn_of_few_blocks(n_blocks: int) -> None:
    rest = (
        "all standard errors are infinite, for all tokens are in 1 block of text"
        if n_blocks == 1
        else f"standard errors rest on {n_blocks} blocks of text"
    )
    warnings.warn(
        f"{rest}; a block is a shard of the codes that were counted, or what `count` was given as one (block=): count "
        "more text, or read it again into smaller shards (geomsim activations --shard-characters), or do without "
        "errors (standard_errors=False)",
        GeomsimWarning,
        stacklevel=3,
    )


def _warn_of_lost_digits(side: str, pooled: PooledSide, eligible: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
    condition = np.where(eligible, pooled.condition(), 1.0)
    poor = np.flatnonzero(condition > _CONDITION)
    if len(poor):
        worst = int(poor[np.argmax(condition[poor])])
        error = condition[worst] * 2**-53 * np.sqrt(pooled.n_tokens)
        warnings.warn(
            f"{len(poor)} {side} latents hardly vary beside their mean, the worst is {worst}: rounding may change "
            f"its r by {error:.0e}; count smaller blocks, or dense codes",
            GeomsimWarning,
            stacklevel=3,
        )
