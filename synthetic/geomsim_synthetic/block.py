"""One block of tokens: what fires in both networks, and what each shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geomsim_synthetic.firing import draw_firings
from geomsim_synthetic.plan import Plan, SidePlan
from geomsim_synthetic.randomness import Draw, generator
from geomsim_synthetic.setting import SIDES, Setting
from geomsim_synthetic.structure import Events
from geomsim_synthetic.vocabulary import draw_symbols

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Tokens that are drawn together. The bits depend on it, so it is no option.
BLOCK = 4096


@dataclass(frozen=True, eq=False)
class SideBatch:
    """What one network shows on a batch of tokens.

    Attributes
    ----------
    codes
        (tokens, rows of the dictionary) sparse, float32.
    activations
        (tokens, width) float32, or None where they were not asked for.
    """

    codes: csr_array[Any]
    activations: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Block:
    """The words and punctuation marks of a block of tokens, and what both networks show on it."""

    symbols: NDArray[np.int64]
    left: SideBatch
    right: SideBatch


def draw_block(planned: Plan, number: int, layer: int, activations: bool) -> Block:
    """The tokens of one block, all drawn from generators of their own."""
    setting = planned.setting
    symbols = draw_symbols(generator(setting.seed, Draw.WORDS, number), BLOCK, setting.junk, setting.junk_rate)
    left, right = (
        _show(side, events, number, layer, activations)
        for side, events in zip(planned.sides, _events(planned, number, symbols), strict=True)
    )
    return Block(symbols, left, right)


def _events(planned: Plan, number: int, symbols: NDArray[np.int64]) -> tuple[Events, Events]:
    """What fires in each network: tokens, sources, magnitudes (in place of the tuning)."""
    setting = planned.setting
    parts: tuple[list[Events], list[Events]] = ([], [])
    left = _independent(setting, 0, number)
    is_shared = planned.is_shared[left.member]
    for side, share in enumerate(setting.seen_shares):
        kept = planned.sides[side].is_free[left.member]
        if side == 1:
            kept &= is_shared
        if share < 1.0:
            kept &= ~is_shared | (generator(setting.seed, Draw.SEEN, side, number).random(len(kept)) < share)
        parts[side].append(left.take(kept))
    if setting.n_shared < setting.n_features:
        right = _independent(setting, 1, number)
        kept = planned.right.is_free[right.member] & ~planned.is_shared[right.member]
        parts[1].append(right.take(kept))
    law = setting.magnitude_law
    for placed in planned.placed:
        random = generator(setting.seed, Draw.STRUCTURE, placed.number, number)
        token, member, tuning = placed.structure.draw(random, placed.probability, BLOCK)
        random = generator(setting.seed, Draw.STRUCTURE_MAGNITUDE, placed.number, number)
        is_common = placed.structure.one_magnitude
        magnitude = law.draw(random, BLOCK)[token] if is_common else law.draw(random, len(token))
        events = Events(token, placed.ranks[member], tuning * magnitude)
        for side, name in enumerate(SIDES):
            if not placed.on(name):
                continue
            share = setting.seen_shares[side]
            if share < 1.0 and placed.structure.place == "both" and placed.structure.may_be_missed:
                random = generator(setting.seed, Draw.SEEN, side, number, placed.number)
                parts[side].append(events.take(random.random(len(token)) < share))
            else:
                parts[side].append(events)
    for side in (0, 1):
        if setting.dense:
            chances = np.full(setting.dense, setting.dense_probability)
            token, member = draw_firings(generator(setting.seed, Draw.DENSE, side, number), chances, BLOCK)
            magnitude = law.draw(generator(setting.seed, Draw.DENSE_MAGNITUDE, side, number), len(token))
            parts[side].append(Events(token, setting.n_features + member, magnitude))
    if setting.junk:
        token = np.flatnonzero(symbols < setting.junk)
        magnitude = law.draw(generator(setting.seed, Draw.JUNK_MAGNITUDE, number), BLOCK)[token]
        source = setting.n_features + setting.dense + symbols[token]
        for part in parts:
            part.append(Events(token, source, magnitude))
    left_events, right_events = (Events(*map(np.concatenate, zip(*part, strict=True))) for part in parts)
    return left_events, right_events


def _independent(setting: Setting, side: int, number: int) -> Events:
    token, rank = draw_firings(generator(setting.seed, Draw.FIRING, side, number), setting.probability, BLOCK)
    random = generator(setting.seed, Draw.MAGNITUDE, side, number)
    return Events(token, rank, setting.magnitude_law.draw(random, len(token)))


def _show(side: SidePlan, events: Events, number: int, layer: int, activations: bool) -> SideBatch:
    """Codes and activations of one network from what fires in it."""
    setting = side.setting
    sources = _matrix(events, len(side.feature))
    if side.rows.has_faults:
        # What a faulty dictionary writes does not depend on the layer either: its weights are those of layer 0.
        random = generator(setting.seed, Draw.FAULT_DRAW, side.number, number)
        written = side.rows.write(events, random, side.directions, side.first_layer_rows)
        codes = _matrix(written, len(side.rows.rows))
        codes.eliminate_zeros()
    else:
        codes = sources.copy()
        codes.indices = side.rows.first_row[sources.indices].astype(sources.indices.dtype)
        codes.sort_indices()
    if not activations:
        return SideBatch(codes, None)
    seen: NDArray[np.float32] = np.asarray(sources @ side.source_directions(layer), dtype=np.float32)
    if setting.noise:
        random = generator(setting.seed, Draw.NOISE, side.number, number, layer)
        seen += np.float32(setting.noise) * random.standard_normal(seen.shape, dtype=np.float32)
    if setting.outliers:
        random = generator(setting.seed, Draw.OUTLIERS, side.number, number, layer)
        drawn = random.standard_normal((BLOCK, setting.outliers))
        seen[:, side.outliers] += (setting.outlier_mean + setting.outlier_deviation * drawn).astype(np.float32)
    return SideBatch(codes, seen)


def _matrix(events: Events, n_columns: int) -> csr_array[Any]:
    from scipy.sparse import coo_array

    return coo_array((events.tuning, (events.token, events.member)), shape=(BLOCK, n_columns)).tocsr()
