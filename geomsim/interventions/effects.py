r"""What sets of latents do to a model's next-token predictions.

For a set S and the tokens T at which it acts, with p the model's prediction behind a token and p' the one with the
intervention (:mod:`geomsim.interventions.intervention`),

.. math:: e_S(v) = \pm \frac{1}{|T|} \sum_{t \in T} [\log p'_t(v) - \log p_t(v)], \qquad
    \mathrm{KL}_S = \frac{1}{|T|} \sum_{t \in T} \sum_v p_t(v) [\log p_t(v) - \log p'_t(v)]

in nats. The sign makes e what the latents do: positive where their presence promotes a token, whether they were taken
away or added. Log-probabilities, and not logits, as a constant added to all logits of a place changes nothing. All
places of a window at which the set acts are changed together, so that what a later place sees of an earlier one counts.

Each set is measured in at most so many windows, drawn with one random order of the windows: two models that read the
same windows take the same ones wherever both fire.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from geomsim.activations.dictionary import Dictionary
from geomsim.digests import code_digest, digest_of
from geomsim.errors import InvalidConfig
from geomsim.interventions.effect_sums import EffectSums
from geomsim.interventions.intervention import Acting, Intervention, changes
from geomsim.interventions.passing import Passing
from geomsim.interventions.predictor import Predictor
from geomsim.interventions.text_firings import TextFirings
from geomsim.interventions.window_jobs import Jobs, batches_of, chosen_windows, jobs_of, stacked, window_chunks
from geomsim.memory import batch_budget
from geomsim.progress import track
from geomsim.tables import plain

if TYPE_CHECKING:
    from torch import Tensor

_Integers = NDArray[np.int64]
_STREAMS = 40  # of the size of the stream, that a block holds at a time


@dataclass(frozen=True, eq=False)
class Effects:
    """What each of some sets of latents does to the next token.

    Parameters
    ----------
    change
        (sets, tokens) float32, nats; a row of zeros for a set that never acts.
    kl
        (sets,) nats; NaN where the set never acts.
    positions, windows
        (sets,) how many tokens and windows it was measured at.
    probability
        (tokens,) the model's mean prediction over the tokens that were looked at.
    """

    change: NDArray[np.float32]
    kl: NDArray[np.float64]
    positions: _Integers
    windows: _Integers
    probability: NDArray[np.float64]

    def take(self, sets: NDArray[np.int64]) -> Self:
        """Those of some sets, by number."""
        return type(self)(self.change[sets], self.kl[sets], self.positions[sets], self.windows[sets], self.probability)


def measure_effects(
    predictor: Predictor,
    dictionary: Dictionary,
    firings: TextFirings,
    sets: Sequence[NDArray[np.int64]],
    intervention: Intervention | None = None,
    *,
    windows: int | None = 32,
    averaged: Sequence[NDArray[np.int64]] | None = None,
    directions: NDArray[np.float32] | None = None,
    seed: int = 0,
    keep: Path | None = None,
    budget: int | None = None,
    skip: bool = True,
) -> Effects:
    """The mean change of next-token log-probabilities that each set of latents makes.

    Parameters
    ----------
    firings
        what :func:`read_firings` gave for this model and dictionary.
    sets
        latents of each set; they act together.
    intervention
        what is done; they are ablated unless something else is said.
    windows
        at most so many for each set; None for all in which it acts.
    averaged
        for each set, rows over which the change is averaged, ascending, of those where it acts; by default all of
        these. The set acts at the others too.
    directions
        (latents, width), of length 1, that are written in place of the dictionary's: a control. As much is written at
        each token as along the dictionary's own.
    keep
        a file: what is done is kept there, and a second call with the same inputs goes on from it.
    budget
        bytes that one batch may hold.
    skip
        whether blocks before the site may be left out where that changes nothing.

    Raises
    ------
    InvalidConfig
        for a set without latents, or with one that the dictionary does not have.
    """
    import torch

    _check_sets(sets, dictionary.latents, windows)
    intervention = intervention or Intervention()
    own = torch.from_numpy(np.ascontiguousarray(dictionary.directions))
    written = own if directions is None else torch.from_numpy(np.ascontiguousarray(directions))
    passing = Passing(predictor, firings.site, skip=skip)
    rows = [_acting_rows(firings, each, intervention) for each in sets]
    chosen = chosen_windows(firings, rows if averaged is None else averaged, windows, seed)
    budget = budget or batch_budget()
    key = ""
    if keep is not None:
        inputs = (
            code_digest(EffectSums), plain(predictor.provenance), dictionary.sha256, firings.tokens.text_hash,
            firings.site, firings.window, list(sets), intervention, windows,
            None if averaged is None else list(averaged), directions, seed,
        )  # fmt: skip
        key = digest_of(inputs)
    sums = EffectSums.begin(keep, key, len(sets))
    chunks = list(
        window_chunks(firings, chosen, len(predictor.vocabulary), budget, pads=predictor.pads, done=sums.done)
    )
    with track(sum(map(len, chosen)), f"intervening in {predictor.name}, windows") as advance:
        left = np.concatenate([np.zeros(0, dtype=np.int64), *chunks])
        advance(sum(len(each) - len(np.intersect1d(each, left)) for each in chosen))
        for number, chunk in enumerate(chunks, 1):
            jobs = jobs_of(firings, chunk, rows, chosen)
            _measure(predictor, passing, firings, sets, intervention, (own, written), jobs, averaged, sums, budget)
            # Windows and not chunks: how many of them make a chunk depends on the memory that is free.
            sums.done += len(chunk)
            sums.save(keep, key, last=number == len(chunks))
            advance(len(jobs.window))
    return _as_means(sums, [len(each) for each in chosen])


def _check_sets(sets: Sequence[_Integers], latents: int, windows: int | None) -> None:
    if not len(sets):
        raise InvalidConfig("no sets of latents to intervene on")
    for number, members in enumerate(sets):
        if not len(members):
            raise InvalidConfig(f"set {number} has no latents")
        outside = members[(members < 0) | (members >= latents)]
        if len(outside):
            raise InvalidConfig(
                f"set {number} names latent {outside[0]}, but the dictionary has latents 0 to {latents - 1}; was the "
                "pairing made for another dictionary, or are left and right swapped?"
            )
    if windows is not None and windows < 1:
        raise InvalidConfig(f"windows is {windows}; at least 1 is needed")


def _acting_rows(firings: TextFirings, members: _Integers, intervention: Intervention) -> _Integers:
    if intervention.where == "all":
        return np.arange(len(firings))
    return firings.rows_of(members)


def _measure(
    predictor: Predictor,
    passing: Passing,
    firings: TextFirings,
    sets: Sequence[_Integers],
    intervention: Intervention,
    directions: tuple[Tensor, Tensor],
    jobs: Jobs,
    averaged: Sequence[_Integers] | None,
    sums: EffectSums,
    budget: int,
) -> None:
    """Clean predictions of the windows of all jobs, then the jobs, a batch at a time; directions: own, written."""
    import torch

    windows, of_job = np.unique(jobs.window, return_inverse=True)
    device = next((weight.device for weight in predictor.module.parameters()), torch.device("cpu"))
    ids, mask = stacked(firings, windows)
    length = ids.shape[1]
    looked_at = np.unique(np.concatenate(jobs.rows))
    place = np.searchsorted(windows, firings.window[looked_at]) * length + firings.position[looked_at]
    ids, mask = ids.to(device), mask.to(device)
    stream, logits = passing.clean(ids, mask, torch.from_numpy(place).to(device))
    clean = torch.log_softmax(logits.float(), dim=1)
    sums.look(clean)
    own = directions[0].to(stream.device)
    written = own if directions[1] is directions[0] else directions[1].to(stream.device)
    vocabulary, width = clean.shape[1], stream[0].numel()
    size = np.array([len(rows) for rows in jobs.rows]) * vocabulary * 4 * 8 + width * 4 * _STREAMS
    for some in batches_of(size, budget):
        rows = np.concatenate([jobs.rows[job] for job in some])
        job_of_row = np.repeat(np.arange(len(some)), [len(jobs.rows[job]) for job in some])
        entries: list[tuple[_Integers, _Integers, NDArray[np.float32]]] = []
        begin = 0
        for job in some:
            at, latent, value = firings.entries_of(sets[jobs.of_set[job]], jobs.rows[job])
            entries.append((at + begin, latent, value))
            begin += len(jobs.rows[job])
        moved = stream[torch.from_numpy(of_job[some]).to(device)].clone()
        flat = moved.view(-1, moved.shape[-1])
        places = torch.from_numpy(job_of_row * length + firings.position[rows]).to(device)
        of_set = jobs.of_set[some][job_of_row]
        points = flat.index_select(0, places).float()
        acting = Acting(of_set, points, *(np.concatenate(part) for part in zip(*entries, strict=True)))
        flat[places] = (points + changes(intervention, acting, sets, own, written, firings.means)).to(flat)
        chosen = torch.from_numpy(of_job[some]).to(device)
        after = passing.changed(ids[chosen], mask[chosen], moved, places)
        before = clean.index_select(0, torch.from_numpy(np.searchsorted(looked_at, rows)).to(device))
        counted = _counted(rows, of_set, averaged)
        sums.add(of_set, counted, before, torch.log_softmax(after.float(), dim=1), intervention.sign)


def _counted(rows: _Integers, of_set: _Integers, averaged: Sequence[_Integers] | None) -> NDArray[np.bool_]:
    """Which rows count for their set."""
    if averaged is None:
        return np.ones(len(rows), dtype=np.bool_)
    found = np.zeros(len(rows), dtype=np.bool_)
    for number in np.unique(of_set).tolist():
        mine = of_set == number
        found[mine] = np.isin(rows[mine], averaged[number])
    return found


def _as_means(sums: EffectSums, windows: Sequence[int]) -> Effects:
    if sums.change is None:
        raise InvalidConfig("none of the latents fires in this text; give more text")
    times = np.maximum(sums.positions, 1)
    kl = np.where(sums.positions > 0, sums.kl / times, np.nan)
    change = (sums.change / times[:, None]).astype(np.float32)
    return Effects(change, kl, sums.positions, np.array(windows), sums.probability / sums.looked_at)
