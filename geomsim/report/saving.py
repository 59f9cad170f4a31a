"""Figures as files and as SVG for the page; the same figure gives the same bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geomsim.errors import GeomsimError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def svg(figure: Figure) -> bytes:
    """The figure as SVG; the same figure gives the same bytes."""
    return _rendered(figure, "svg")


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write the figure as .svg, .pdf (text stays text) or .png; the same figure gives the same bytes."""
    path = Path(path)
    if path.suffix not in (".svg", ".pdf", ".png"):
        raise GeomsimError(
            f"{path}: figures are written as .svg, .pdf or .png, not {path.suffix or 'without a suffix'}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(_rendered(figure, path.suffix[1:]))
    part.replace(path)
    return path


def _rendered(figure: Figure, kind: str) -> bytes:
    import matplotlib as mpl

    silent: dict[str, dict[str, Any]] = {
        "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
        "pdf": {"CreationDate": None},
        "png": {"Software": None},
    }
    content = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "geomsim", "svg.fonttype": "path", "pdf.fonttype": 42}):
        figure.savefig(content, format=kind, metadata=silent[kind], facecolor=figure.get_facecolor(), dpi=200)
    return content.getvalue()
