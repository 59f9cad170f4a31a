"""Graphs and diagrams kept with the results, so that a report is made again without what computed them.

In a folder: ``graphs.json`` says what there is, by name of its files: nodes with their places, rows, labels and columns
and edges and texts as Parquet, plans and diagrams as npz. It is written last; without it nothing is there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.errors import GeomsimError
from geomsim.report.page.contents import Column, Context, DiagramView, Graph, GraphPair, Plan
from geomsim.tables import plain, read_table, whole_file, write_arrays, write_parquet

if TYPE_CHECKING:
    import pandas as pd

_INDEX, _FORMAT, _VERSION = "graphs.json", "geomsim-graph-views", 1
_COLUMN = "column: "
_SIDES = ("left", "right")
_CONTEXT = ("value", "document", "pieces", "activations", "focus")


def save_graphs(graphs: Sequence[GraphPair], diagrams: Sequence[DiagramView], folder: str | Path) -> Path:
    """Write graphs and diagrams into a folder, in place of those that it holds; the path of its index.

    What :func:`read_graphs` gives is equal to the last bit; facts come back as JSON has them. Raises GeomsimError where
    the folder is a file, and for text that no file can hold.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise GeomsimError(f"{target} is a file: name a folder to write to")
    target.mkdir(parents=True, exist_ok=True)
    (target / _INDEX).unlink(missing_ok=True)
    for older in [*target.glob("graph_[0-9]*"), *target.glob("diagram_[0-9]*.npz")]:
        older.unlink(missing_ok=True)
    try:
        index = {
            "format": _FORMAT,
            "version": _VERSION,
            "graphs": [_save_pair(pair, target, f"graph_{number}") for number, pair in enumerate(graphs)],
            "diagrams": [_save_diagram(each, target, f"diagram_{number}") for number, each in enumerate(diagrams)],
        }
        text = json.dumps(index, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        with whole_file(target / _INDEX) as part:
            part.write_text(text, encoding="utf-8")
    except UnicodeEncodeError as error:
        raise GeomsimError(
            f"{target}: a text of the graphs holds half of a character ({error.object[error.start : error.end]!r}), "
            "which no file can: leave it out"
        ) from None
    return target / _INDEX


def has_graphs(folder: str | Path) -> bool:
    """Whether :func:`save_graphs` has written there and come to its end."""
    return (Path(folder) / _INDEX).exists()


def read_graphs(folder: str | Path) -> tuple[list[GraphPair], list[DiagramView]]:
    """What :func:`save_graphs` wrote. Raises GeomsimError, naming the file, where one is missing or damaged."""
    target = Path(folder)
    path = target / _INDEX
    try:
        index = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise GeomsimError(
            f"{path} cannot be read ({error.strerror or error}): there are no graphs, or writing them was cut short"
        ) from None
    except ValueError as error:
        raise GeomsimError(f"{path} is damaged ({error}): delete {target} and make the report again") from None
    if not isinstance(index, dict) or index.get("format") != _FORMAT:
        raise GeomsimError(f'{path} is no index of graphs, which says "format": "{_FORMAT}"')
    if index.get("version") != _VERSION:
        raise GeomsimError(
            f"{path} has version {index.get('version')!r} and this geomsim reads {_VERSION}: delete {target} and make "
            "the report again"
        )
    try:
        graphs = [_read_pair(note, target, f"graph_{number}") for number, note in enumerate(index["graphs"])]
        diagrams = [_read_diagram(note, target, f"diagram_{number}") for number, note in enumerate(index["diagrams"])]
    except (KeyError, TypeError, AttributeError) as error:
        raise GeomsimError(
            f"{target}: its files do not belong together ({type(error).__name__}: {error}): delete it and make the "
            "report again"
        ) from None
    return graphs, diagrams


def _save_pair(pair: GraphPair, folder: Path, stem: str) -> dict[str, Any]:
    if pair.plan is not None:
        cells = {"left": pair.plan.left, "right": pair.plan.right, "mass": pair.plan.mass}
        if pair.plan.shared is not None:
            cells["shared"] = pair.plan.shared
        write_arrays(cells, folder / f"{stem}_plan.npz")
    if pair.texts is not None:
        write_parquet(_frame_of_texts(pair.texts), folder / f"{stem}_texts.parquet")
    sides = {side: getattr(pair, side) for side in _SIDES}
    return {
        "name": pair.name, "pair": pair.pair, "n_rows": pair.n_rows, "what": pair.what, "sentence": pair.sentence,
        "facts": plain(pair.facts), "plan": pair.plan is not None, "texts": pair.texts is not None,
        **{s: None if graph is None else _save_graph(graph, folder, f"{stem}_{s}") for s, graph in sides.items()},
    }  # fmt: skip


def _read_pair(note: dict[str, Any], folder: Path, stem: str) -> GraphPair:
    left, right = (None if note[s] is None else _read_graph(note[s], folder, f"{stem}_{s}") for s in _SIDES)
    if left is None:
        raise KeyError("left")
    plan = None
    if note["plan"]:
        cells = _arrays(folder / f"{stem}_plan.npz")
        plan = Plan(cells["left"], cells["right"], cells["mass"], cells.get("shared"))
    texts = _texts_of(read_table(folder / f"{stem}_texts.parquet")[0]) if note["texts"] else None
    given = {name: note[name] for name in ("name", "pair", "n_rows", "what", "sentence", "facts")}
    return GraphPair(left=left, right=right, plan=plan, texts=texts, **given)


def _save_graph(graph: Graph, folder: Path, stem: str) -> dict[str, Any]:
    import pandas as pd

    nodes = pd.DataFrame({"x": graph.places[:, 0], "y": graph.places[:, 1]})
    nodes["rows"] = pd.Series([np.asarray(rows, dtype=np.int64) for rows in graph.members], dtype=object)
    if graph.names is not None:
        nodes["name"] = list(graph.names)
    if graph.labels is not None:
        nodes["labels"] = pd.Series([list(each) for each in graph.labels], dtype=object)
    for number, column in enumerate(graph.columns):
        nodes[f"{_COLUMN}{number}"] = column.values
    write_parquet(nodes, folder / f"{stem}_nodes.parquet")
    edges = pd.DataFrame({"first": graph.edges[:, 0], "second": graph.edges[:, 1]})
    if graph.weights is not None:
        edges["weight"] = graph.weights
    write_parquet(edges, folder / f"{stem}_edges.parquet")
    columns = [{"name": column.name, "categories": column.categories} for column in graph.columns]
    return {"name": graph.name, "columns": columns}


def _read_graph(note: dict[str, Any], folder: Path, stem: str) -> Graph:
    nodes = read_table(folder / f"{stem}_nodes.parquet")[0]
    edges = read_table(folder / f"{stem}_edges.parquet")[0]
    return Graph(
        name=note["name"],
        places=nodes[["x", "y"]].to_numpy(np.float64),
        members=[np.asarray(rows, dtype=np.int64) for rows in nodes["rows"]],
        edges=edges[["first", "second"]].to_numpy(np.int64),
        weights=edges["weight"].to_numpy() if "weight" in edges else None,
        names=nodes["name"].tolist() if "name" in nodes else None,
        labels=[list(map(str, each)) for each in nodes["labels"]] if "labels" in nodes else None,
        columns=[
            Column(
                each["name"],
                nodes[f"{_COLUMN}{number}"].to_numpy(),
                None if each["categories"] is None else tuple(each["categories"]),
            )
            for number, each in enumerate(note["columns"])
        ],
    )


def _frame_of_texts(texts: Sequence[Context | str | None]) -> pd.DataFrame:
    import pandas as pd

    contexts = [text if isinstance(text, Context) else None for text in texts]
    frame: dict[str, list[Any]] = {"text": [text if isinstance(text, str) else None for text in texts]}
    for name in _CONTEXT:
        values = [None if context is None else getattr(context, name) for context in contexts]
        frame[name] = [list(each) if isinstance(each, tuple) else each for each in values]
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in frame.items()})


def _texts_of(frame: pd.DataFrame) -> list[Context | str | None]:
    found: list[Context | str | None] = []
    columns = [frame[name] for name in ("text", *_CONTEXT)]
    for text, value, document, pieces, activations, focus in zip(*columns, strict=True):
        if isinstance(text, str):
            found.append(text)
        elif pieces is None:
            found.append(None)
        else:
            shades = tuple(map(float, activations))
            found.append(Context(float(value), document, tuple(map(str, pieces)), shades, int(focus)))
    return found


def _save_diagram(diagram: DiagramView, folder: Path, stem: str) -> dict[str, Any]:
    arrays: dict[str, Any] = {"bars": diagram.bars}
    if diagram.certified is not None:
        arrays["certified"] = diagram.certified
    write_arrays(arrays, folder / f"{stem}.npz")
    radius = None if diagram.covering_radius is None else float(diagram.covering_radius)
    return {
        "name": diagram.name, "dimension": diagram.dimension, "covering_radius": radius, "sentence": diagram.sentence,
    }  # fmt: skip


def _read_diagram(note: dict[str, Any], folder: Path, stem: str) -> DiagramView:
    arrays = _arrays(folder / f"{stem}.npz")
    return DiagramView(
        note["name"], note["dimension"], arrays["bars"], arrays.get("certified"), note["covering_radius"],
        note["sentence"],
    )  # fmt: skip


def _arrays(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except Exception as error:
        raise GeomsimError(f"{path}: not readable ({type(error).__name__}: {error}); make the report again") from error
