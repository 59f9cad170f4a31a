"""The demo on the example models: activations, codes, pairing, comparison, and the words for it."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geomsim.activations.codes import Codes
from geomsim.activations.latent_tokens import read_top_tokens
from geomsim.activations.matching import pair
from geomsim.activations.standard_library import standard_library_documents
from geomsim.activations.text import Document
from geomsim.cli.console import Common
from geomsim.cli.demo_outcome import (
    Outcome,
    Record,
    features_against_neurons,
    judged_by_shuffles,
    kinds_table,
    layer_tables,
    metrics_of,
    significant,
    strongest,
    write_study_file,
)
from geomsim.cli.demo_reading import DemoModel, enough_for_neurons
from geomsim.cli.report import write_report
from geomsim.pairing import Pairing
from geomsim.parallel import in_threads
from geomsim.progress import track
from geomsim.report.assembling import VIEWS
from geomsim.report.views.beside import layouts_beside
from geomsim.study import Study, run_study
from geomsim.study_parts import ALL
from geomsim.subspaces import pair_subspaces, read_themes

LEFT, RIGHT, SECOND_SEED = "left", "right", "left-second-seed"
KINDS = {
    "features": "SAE features of left and right",
    "matched": "SAE features again, as many pairs as neurons have and as correlated",
    "neurons": "raw neurons of the same models",
    "second seed": "SAE features of left and of left trained from a second seed (the skyline)",
}
_LEAST_IN_THEME = 20


@dataclass(frozen=True, eq=False)
class Job:
    """Two codes to pair, and where the results go."""

    kind: str
    left_layer: int
    right_layer: int
    left: Codes
    right: Codes

    @property
    def file(self) -> str:
        """Where the pairing goes, below the demo's folder."""
        return f"pairings/{self.kind.replace(' ', '_')}_{self.left_layer}_{self.right_layer}.parquet"

    def described(self) -> dict[str, Any]:
        """The pair of spaces as a study's file names it."""
        part = "neurons" if self.kind == "neurons" else "features"
        right = SECOND_SEED if self.kind == "second seed" else RIGHT
        sides = {"left": f"{LEFT}_{part}_{self.left_layer}", "right": f"{right}_{part}_{self.right_layer}"}
        texts = {
            f"{side}_{what}": f"{what}/{name}.parquet"
            for side, name in sides.items()
            for what in ("tokens", "contexts")
            if part == "features"
        }
        return {
            "kind": self.kind,
            "left_layer": self.left_layer,
            "right_layer": self.right_layer,
            **{side: f"spaces/{name}.npz" for side, name in sides.items()},
            "pairing": self.file,
            **texts,
        }


def run(models: Path, out: Path, names: Sequence[str], draws: int, common: Common) -> Outcome:
    """Read, pair, compare, and write results, heatmap and report below `out`."""
    documents = standard_library_documents("held-out")
    characters = sum(len(document.text) for document in documents)
    common.note(
        f"text: {len(documents)} held-out files of Python {platform.python_version()}, {characters:,} characters"
    )
    read = {name: DemoModel(models / name, out, common.device) for name in (LEFT, RIGHT, SECOND_SEED)}
    spaces = [path for name, model in read.items() for path in model.save_spaces(neurons=name != SECOND_SEED)]
    with layouts_beside(spaces, out / VIEWS, common.start) as wait_for_layouts:
        jobs, pairings = _pairs(read, documents, out, common)
        pairs = [job.described() for job in jobs] + _matched_pairs(jobs, pairings, out)
        # The last layers are the most abstract ones, where themes are to be looked for.
        last = max((job.left_layer, job.right_layer, at) for at, job in enumerate(jobs) if job.kind == "features")[-1]
        pairs[last]["subsets"] = _themes(pairs[last], pairings[last], out)
        study = run_study(write_study_file(out, pairs, names, draws, common.start))
        if wrong := wait_for_layouts():
            common.note(f"layouts are made now, since they could not be made meanwhile: {wrong}")
    return _outcome(study, study.save(out), out, documents, common)


def _pairs(
    models: Mapping[str, DemoModel], documents: list[Document], out: Path, common: Common
) -> tuple[list[Job], list[Pairing]]:
    """What is to be compared, read and paired."""
    features: dict[str, dict[int, Codes]] = {}
    neurons: dict[str, dict[int, Codes]] = {}
    for name, model in models.items():
        features[name] = model.features(documents)
        first = next(iter(features[name].values()))
        common.note(f"{name}: {first.n_tokens:,} tokens, {len(features[name])} layers, {first.n_latents} latents each")
        if name != SECOND_SEED:
            neurons[name] = model.neurons(enough_for_neurons(documents, first))
            dense = next(iter(neurons[name].values()))
            common.note(f"{name}: {dense.n_tokens:,} of these tokens for {dense.n_latents} neurons a layer")
    jobs = [
        Job(kind, left_layer, right_layer, left_codes, right_codes)
        for kind, left, right in (
            ("features", features[LEFT], features[RIGHT]),
            ("neurons", neurons[LEFT], neurons[RIGHT]),
            ("second seed", features[LEFT], features[SECOND_SEED]),
        )
        for left_layer, left_codes in left.items()
        for right_layer, right_codes in right.items()
    ]
    pairings = []
    with track(len(jobs), "pairing") as advance:
        # Errors of each r are not shown, and would take half of the time.
        paired = in_threads(lambda job: pair(job.left, job.right, top=1, standard_errors=False), jobs)
        for job, pairing in zip(jobs, paired, strict=True):
            pairing.save(out / job.file)
            common.note(_paired(job, pairing))
            pairings.append(pairing)
            advance(1)
    return jobs, pairings


def _themes(described: Mapping[str, Any], pairing: Pairing, out: Path) -> dict[str, list[int]]:
    """Pairs whose top tokens on both sides belong to a theme, of the themes that hold enough pairs to compare."""
    tokens = [read_top_tokens(out / described[f"{side}_tokens"]).strings for side in ("left", "right")]
    found = pair_subspaces(tokens[0], tokens[1], pairing, read_themes())
    return {part.name: list(map(int, part.rows)) for part in found if len(part.rows) >= _LEAST_IN_THEME}


def _matched_pairs(jobs: Sequence[Job], pairings: Sequence[Pairing], out: Path) -> list[dict[str, Any]]:
    """Feature pairs to set beside neurons: the number and the correlation of pairs change scores by themselves."""
    found = {(job.kind, job.left_layer, job.right_layer): at for at, job in enumerate(jobs)}
    described = []
    for (kind, *layers), at in found.items():
        if kind != "neurons":
            continue
        features = found["features", layers[0], layers[1]]
        file = f"pairings/matched_{layers[0]}_{layers[1]}.parquet"
        as_correlated(pairings[features], pairings[at]).save(out / file)
        described.append({**jobs[features].described(), "kind": "matched", "pairing": file})
    return described


def as_correlated(pairing: Pairing, reference: Pairing) -> Pairing:
    """One pair for each of the reference, strongest first: of those left, the one whose weight comes closest."""
    assert pairing.weight is not None
    assert reference.weight is not None
    left, kept = pairing.weight.copy(), []
    for weight in np.sort(reference.weight)[::-1][: len(pairing)]:
        kept.append(int(np.argmin(np.abs(left - weight))))
        left[kept[-1]] = np.inf
    return Pairing(
        pairing.left[kept], pairing.right[kept], pairing.weight[kept],
        provenance={**pairing.provenance, "matched_to": dict(reference.provenance)},
    )  # fmt: skip


def _paired(job: Job, pairing: Pairing) -> str:
    mean = pairing.provenance["mean_r"]
    return f"{job.kind}, layers {job.left_layer} and {job.right_layer}: {len(pairing)} mutual pairs, mean r {mean:.2f}"


def _in_the_report(records: Sequence[Record], every: Sequence[Record]) -> str:
    """Why the report counts more comparisons than the tables here show, and its first sentences fewer."""
    judged = judged_by_shuffles(records)
    first = judged_by_shuffles([record for record in every if record["kind"] == "features"])
    parts = [f"these {len(judged)}"]
    if without := len(records) - len(judged):
        parts.append(f"{without} that shuffles do not judge")
    if themes := len(every) - len(records):
        parts.append(f"{themes} of themes (parts of the pairs)")
    told = (
        f"{len(first)} that shuffles judged, of SAE features of left and right{', themes included' if themes else ''}"
    )
    return f"The report holds {len(every)} comparisons: {', '.join(parts)}. Its first words are of the {told}."


def _outcome(
    study: Study,
    files: list[Path],
    out: Path,
    documents: list[Document],
    common: Common,
) -> Outcome:
    from geomsim.report.heatmap import layer_heatmaps
    from geomsim.report.saving import save_figure

    # Themes are for the report; the tables here are of all pairs.
    every = study.records()
    records = [record for record in every if record["subspace"] == ALL]
    frame = study.table
    features = frame[(frame["kind"] == "features") & (frame["subspace"] == ALL)]
    names = metrics_of(records)
    of_kind = {kind: [record for record in records if record["kind"] == kind] for kind in KINDS}
    sentences = [
        f"Two language models, trained apart on Python code, were read on {len(documents)} held-out files; SAE "
        "features that name each other as most correlated were paired, and the arrangements of their decoder "
        "rows compared.",
        strongest(of_kind["features"]),
        features_against_neurons(records),
        significant(records, every),
        _in_the_report(records, every),
    ]
    title = "SAE features of left and right, layer by layer"
    save_figure(layer_heatmaps(features, names, title), out / "heatmap.pdf")
    title = "geomsim demo: two models of Python code"
    page = write_report(out, out / "report.html", common, title=title, kind="features")
    written = [*files, out / "heatmap.pdf", page]
    pictures: list[Any] = [*sentences[:2], ""]
    pictures += [table for kind, what in KINDS.items() for table in layer_tables(of_kind[kind], what)]
    pictures += [
        "each cell: score, and below it the mean by chance (shuffled pairs); for singular-values the noise floor. "
        "* p <= .05, ** p <= .01, *** p <= .001. Larger is closer, but for mapper-transport and singular-values.",
        "",
        kinds_table(records, KINDS),
        *sentences[2:],
        "",
        f"Written to {out}/: report.html (open this one in a browser), heatmap.pdf, results.csv, results.parquet, "
        "run.json; study.toml and reproduce.py give the same numbers again.",
    ]
    record = {
        "sentences": sentences,
        "table": [cell.comparison.to_dict() if cell.comparison else {"error": cell.error} for cell in study.cells],
        "files": [str(path) for path in written],
    }
    return Outcome(record, pictures, study)
