"""A page for each public module, with every name that it offers: signature, documentation, members."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from null_pages import nulls
from page_parts import as_markdown, table, toctree

FOLDER = "_generated/api"
GROUPS = {
    "Compare": ("geomsim", "geomsim.nulls", "geomsim.testing", "geomsim.errors"),
    "From text to pairs": ("geomsim.activations", "geomsim.subspaces"),
    "Causes and claims": ("geomsim.interventions", "geomsim_audit"),
    "Shapes": (
        "geomsim_topological.mapper", "geomsim_topological.persistence", "geomsim_topological.transport",
        "geomsim_topological.graph_comparison", "geomsim_topological.sweep", "geomsim_topological.stability",
        "geomsim_topological.settings_choice", "geomsim_topological.multiscale", "geomsim_topological.node_labels",
        "geomsim_topological.circular_coordinates", "geomsim_topological.loop_matcher",
        "geomsim_topological.loop_significance", "geomsim_topological.landmark_confidence",
        "geomsim_topological.denoising", "geomsim_topological.graph_layout",
    ),
    "Synthetic truth": ("geomsim_synthetic",),
    "Figures": (
        "geomsim.report.heatmap", "geomsim.report.bars", "geomsim.report.number_line",
        "geomsim.report.null_distribution", "geomsim.report.multiplicity", "geomsim.report.scree",
        "geomsim.report.node_link", "geomsim.report.birth_death", "geomsim.report.setting_field",
        "geomsim.report.splitting", "geomsim.report.causal", "geomsim.report.activations",
        "geomsim.report.leaderboard_figure", "geomsim.report.saving",
    ),
}  # fmt: skip


def write_pages(write: Callable[[str, str], None]) -> list[str]:
    """Write all pages and the page that lists them; the modules."""
    parts = [
        "# Python",
        "`import geomsim` gives the names of the first page; importing it imports neither torch nor a model library. "
        "Arrays, tensors, `Space`s and paths are taken wherever points are meant.",
    ]
    modules = [name for names in GROUPS.values() for name in names]
    for heading, names in GROUPS.items():
        rows = [[f"[`{name}`]({name}.rst)", as_markdown(_first(importlib.import_module(name)))] for name in names]
        parts += [f"## {heading}", table(["module", "what it offers"], rows)]
    write(f"{FOLDER}/index.md", "\n\n".join([*parts, toctree(modules, ":hidden:")]) + "\n")
    places = {id(kind): f"{kind.__module__}.{kind.__qualname__}" for kind in nulls().values()}
    for name in modules:
        write(f"{FOLDER}/{name}.rst", page(name, places))
    return modules


def public_names(module: ModuleType) -> list[str]:
    """What a module offers: its ``__all__``, else what it imports as itself, else what it defines."""
    listed = getattr(module, "__all__", None)
    source = Path(inspect.getsourcefile(module) or "")
    stub = source.with_suffix(".pyi")
    body = ast.parse((stub if stub.exists() else source).read_text(encoding="utf-8")).body
    offered = [
        alias.asname
        for node in body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    ]
    defined = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"]
    names = list(listed) if listed and not stub.exists() else [*offered, *defined]
    return [name for name in names if not inspect.ismodule(getattr(module, name))]


def page(name: str, places: dict[int, str]) -> str:
    """One module: a list of its names, and each in full where it has no place yet; `places` learns of these."""
    module = importlib.import_module(name)
    names = public_names(module)
    parts = [f"{name}\n{'=' * len(name)}", f".. module:: {name}", inspect.getdoc(module) or "", ""]
    for public in names:
        value = getattr(module, public)
        if id(value) not in places:
            places[id(value)] = f"{name}.{public}"
            parts.append(_entry(name, public, value))
    parts[3] = _summary(module, names, places)
    return "\n\n".join(parts) + "\n"


def _summary(module: ModuleType, names: list[str], places: dict[int, str]) -> str:
    lines = [".. list-table::", "   :widths: 30 70", ""]
    for name in names:
        value = getattr(module, name)
        role = "class" if inspect.isclass(value) else "func" if callable(value) else "data"
        lines += [f"   * - :py:{role}:`{name} <{places[id(value)]}>`", f"     - {_plain(_first(value))}"]
    return "\n".join(lines)


def _entry(module: str, name: str, value: object) -> str:
    if inspect.isclass(value):
        return f".. autoclass:: {module}.{name}\n   :members:"
    if callable(value):
        return f".. autofunction:: {module}.{name}"
    return f".. autodata:: {module}.{name}\n   :no-value:"


def _plain(text: str) -> str:
    """Words for a list, without references, which mean something only where they stand."""
    return as_markdown(text).replace("**", "").replace("`", "``")


def _first(value: object) -> str:
    """The first sentence of the documentation; of data, what they are."""
    if not (inspect.isclass(value) or inspect.ismodule(value) or callable(value)):
        return f"data: a {type(value).__name__}"
    text = inspect.getdoc(value) or ""
    return " ".join(text.split("\n\n")[0].split())
