"""Paths of a configuration as they are found from another folder, whatever links lead to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geomsim.preparing.texts import DATASET, STANDARD_LIBRARY
from geomsim.study_config import FILES


def moved(item: Mapping[str, Any], base: Path, folder: Path) -> dict[str, Any]:
    """A pair, or what a study or block chooses, with its paths relative to the folder of what is prepared."""
    found = dict(item)
    for key in FILES:
        if isinstance(found.get(key), str | Path):
            found[key] = _relative(found[key], base, folder)
    if isinstance(within := found.get("within"), Mapping) and isinstance(within.get("space"), str | Path):
        found["within"] = {**within, "space": _relative(within["space"], base, folder)}
    subspaces = found.get("subspaces")
    if isinstance(subspaces, Mapping) and isinstance(subspaces.get("themes"), str | Path):
        found["subspaces"] = {**subspaces, "themes": _relative(subspaces["themes"], base, folder)}
    return found


def moved_models(config: Mapping[str, Any], base: Path, folder: Path) -> dict[str, Any]:
    """[text], [models.NAME], [[between]] and [[within]] likewise; names on the hub stay as they are."""

    def placed(named: str | Path) -> str:
        path = base / Path(named).expanduser()
        return _relative(path, base, folder) if path.exists() else str(named)

    def dictionary(item: Any) -> Any:
        return {**item, "path": placed(item["path"])} if isinstance(item, Mapping) else placed(item)

    def model(table: Mapping[str, Any]) -> dict[str, Any]:
        found = {**table, "path": placed(table["path"])} if "path" in table else dict(table)
        given = found.get("dictionaries")
        if isinstance(given, Mapping):
            found["dictionaries"] = {site: dictionary(item) for site, item in given.items()}
        elif given is not None:
            found["dictionaries"] = [dictionary(item) for item in given]
        return found

    source = str(config["text"]["source"])
    prefix = DATASET if source.startswith(DATASET) else ""
    if source != STANDARD_LIBRARY:
        source = prefix + placed(source.removeprefix(prefix))
    return {
        "text": {**config["text"], "source": source},
        "models": {name: model(table) for name, table in config["models"].items()},
        **{key: [_block(item, base, folder) for item in config[key]] for key in ("between", "within") if key in config},
    }


def _block(item: Mapping[str, Any], base: Path, folder: Path) -> dict[str, Any]:
    # Here left and right are names of models.
    found = {**item, **moved({key: item[key] for key in item if key not in FILES}, base, folder)}
    if isinstance(found.get("themes"), str | Path):
        found["themes"] = _relative(found["themes"], base, folder)
    return found


def _relative(path: str | Path, base: Path, folder: Path) -> str:
    return Path(os.path.relpath((base / path).resolve(), folder.resolve())).as_posix()
