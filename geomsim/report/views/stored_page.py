"""A page of graphs and diagrams alone, kept in a folder: `geomsim report FOLDER` writes it again without its makers."""

from __future__ import annotations

import json
from pathlib import Path

from geomsim.errors import GeomsimError
from geomsim.report.page.contents import Contents
from geomsim.report.views.stored_graphs import read_graphs, save_graphs
from geomsim.tables import plain, write_json

_WORDS = "page.json"


def save_page(contents: Contents, folder: str | Path) -> Path:
    """Write the words, graphs and diagrams of a page; the path of its words, which are written last.

    Provenance comes back as JSON has it. Raises GeomsimError for contents with scores, spaces or cards, which are kept
    elsewhere, and as :func:`geomsim.report.views.stored_graphs.save_graphs` does.
    """
    beside = [name for name in ("spaces", "pairs", "cards") if getattr(contents, name)]
    beside += ["scores"] if contents.scores.records else []
    if beside:
        raise GeomsimError(
            f"only a page of graphs and diagrams is kept like this, and this one has {', '.join(beside)}"
        )
    path = Path(folder) / _WORDS
    path.unlink(missing_ok=True)
    save_graphs(contents.graphs, contents.diagrams, folder)
    words = {
        "title": contents.title,
        "sentences": list(contents.sentences),
        "warnings": list(contents.warnings),
        "notes": {view: list(notes) for view, notes in contents.notes.items()},
        "missing": dict(contents.missing),
        "provenance": plain(contents.provenance),
    }
    return write_json({"page": 1, **words}, path)


def has_page(folder: str | Path) -> bool:
    """Whether :func:`save_page` has written there and come to its end."""
    return (Path(folder) / _WORDS).exists()


def read_page(folder: str | Path) -> Contents:
    """What :func:`save_page` wrote. Raises GeomsimError, naming the file, where one is missing or damaged."""
    path = Path(folder) / _WORDS
    try:
        words = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise GeomsimError(f"{path} cannot be read ({error.strerror or error}): make the graphs again") from None
    except ValueError as error:
        raise GeomsimError(f"{path} is damaged ({error}): make the graphs again") from None
    names = ("title", "sentences", "warnings", "notes", "missing", "provenance")
    if not isinstance(words, dict) or words.get("page") != 1 or any(name not in words for name in names):
        raise GeomsimError(f"{path} holds no page of this version of geomsim: make the graphs again")
    graphs, diagrams = read_graphs(folder)
    return Contents(**{name: words[name] for name in names}, graphs=graphs, diagrams=diagrams)
