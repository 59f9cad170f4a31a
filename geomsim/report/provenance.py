"""Where the numbers of a study come from, for a report: how to get them again, configuration, versions, inputs.

A report is mailed, so no absolute path stands in it: paths are told from the folder that all of them have in common,
or by their last part. Nothing is added to what run.json holds: the same run gives the same content.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from geomsim.metric_text import metric_text
from geomsim.study_config import PAIR_KEYS
from geomsim.study_toml import NotAFileError, study_toml
from geomsim.tables import plain

AGAIN, CONFIGURATION, STUDY_FILE = "How to get these numbers again", "Configuration", "study.toml"
_OPTIONS = ("draws", "seed", "null", "groups", "interval", "confidence")
# From the root, the home folder, a drive or a share: not within a word, an address of the web or a relative path.
_ABSOLUTE = re.compile(
    r"(?<![\w.:/\\~-])(?:file://)?(?:~?/(?=[^\s/])|[A-Za-z]:[\\/]|\\\\(?=\w))(?:[^\s\"'<>|:;,()\[\]\\/]+[\\/])*"
)


def provenance(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the numbers depend on, by heading, from the content of run.json.

    Headings are how to get the numbers again (commands), configuration, study.toml where the study can be run from
    files, versions, inputs (what is known of each, hashes among it) and notes; whatever else a run holds follows.
    """
    run = plain(run)
    known = {"base", "config", "versions", "notes", "comparisons", "pair_of"}
    config = run.get("config") or {}
    names = _names_of_files(config)
    found: dict[str, Any] = {}
    if config:
        told = _told(config, names)
        found |= {AGAIN: _again(told), CONFIGURATION: told}
        with suppress(NotAFileError):  # what to do instead stands in the first part
            found[STUDY_FILE] = study_toml(told)
    for heading, content in (
        ("Versions", run.get("versions")),
        ("Inputs", _inputs(run.get("comparisons") or [])),
        ("Notes", run.get("notes")),
    ):
        if content:
            found[heading] = _told(content, names)
    return found | {key.capitalize(): _told(value, names) for key, value in run.items() if key not in known}


def without_folders(run: Mapping[str, Any]) -> Callable[[str], str]:
    """What takes absolute paths out of a text, as :func:`provenance` of the same run.json tells them.

    >>> short = without_folders({"config": {"pairs": [{"left": "/home/me/a.npy", "right": "/home/me/b.npy"}]}})
    >>> short("/home/me/a.npy"), short("/home/me/b.npy is not there any more")
    ('a.npy', 'b.npy is not there any more')
    """
    config = run.get("config")
    names = _names_of_files(plain(config)) if isinstance(config, Mapping) else {}
    return lambda text: _without_folders(text, names)


def _again(config: Mapping[str, Any]) -> list[str]:
    """The commands, in order."""
    try:
        study_toml(config)
    except NotAFileError as error:
        if isinstance(command := config.get("command"), str):
            return [
                "Go to the folder from which the files below are found.",
                f"{command} --out results --report r.html",
            ]
        seed, draws = config.get("seed", 0), config.get("draws", 999)
        return [
            f"This study was made in Python from things that no file holds ({error}): run the Python code that called "
            f"geomsim once more, with seed {seed} and {draws} draws."
        ]
    steps = [
        "Go to the folder from which the files below are found.",
        "geomsim study study.toml --out results   (study.toml as below)",
    ]
    if (command := _compare_command(config)) is not None:
        steps.append(f"or: {command} --out results")
    return [*steps, "geomsim report results   (this page)"]


def _compare_command(config: Mapping[str, Any]) -> str | None:
    """The same as one `geomsim compare`, where it compares one pair of spaces and has no parts; else None."""
    pairs, metrics, null = config["pairs"], config.get("metrics"), config.get("null", "auto")
    simple = (
        len(pairs) == 1
        and set(pairs[0]) <= {"left", "right", "pairing"}
        and isinstance(metrics, list)
        and all(isinstance(each, str) or _fits_a_line(each) for each in metrics)
        and isinstance(null, str)
        and isinstance(config.get("groups") or "", str)
        and not config.get("subspaces")
        and not config.get("buckets")
    )
    if not simple:
        return None
    pair = pairs[0]
    words = ["geomsim", "compare", pair["left"], pair["right"]]
    words += ["--pairing", pair["pairing"]] if pair.get("pairing") else []
    for each in metrics or []:
        parameters = {} if isinstance(each, str) else {key: value for key, value in each.items() if key != "name"}
        words += ["--metric", metric_text(each if isinstance(each, str) else each["name"], parameters)]
    for option in _OPTIONS:
        if config.get(option) is not None and not (option == "confidence" and config.get("interval") is None):
            words += [f"--{option}", str(config[option])]
    return shlex.join(words)


def _fits_a_line(metric: Any) -> bool:
    return isinstance(metric, Mapping) and not any(isinstance(value, Mapping | list) for value in metric.values())


def _inputs(comparisons: list[Mapping[str, Any]]) -> dict[str, Any]:
    """What is known of each space and pairing, once, by its side and name."""
    found: dict[str, Any] = {}
    for comparison in comparisons:
        of = comparison.get("provenance") or {}
        for side in ("left", "right"):
            if of.get(side):
                name = str(comparison.get(side) or of[side].get("file") or side)
                found.setdefault(name, of[side])
        if of.get("pairing"):
            found.setdefault(f"pairing of {comparison.get('left')} and {comparison.get('right')}", []).append(
                of["pairing"]
            )
    return {name: _each_once(facts) if isinstance(facts, list) else facts for name, facts in found.items()}


def _each_once(several: list[Any]) -> Any:
    """Equal ones once; alone where it is the only one."""
    once: list[Any] = []
    for each in several:
        if each not in once:
            once.append(each)
    return once[0] if len(once) == 1 else once


def _names_of_files(config: Mapping[str, Any]) -> dict[str, str]:
    """For each absolute path of the pairs its name: from the folder that they share, or as short as it is unique."""
    found = _texts([_files_of(pair) for pair in config.get("pairs") or []])
    paths = list(dict.fromkeys(path for path in found if posixpath.isabs(path)))
    if not paths:
        return {}
    folder = posixpath.commonpath([posixpath.dirname(path) for path in paths])
    if folder != "/":
        return {path: posixpath.relpath(path, folder) for path in paths}
    parts = {path: path.strip("/").split("/") for path in paths}
    longest = max(map(len, parts.values()))
    for n in range(1, longest + 1):
        names = {path: "/".join(of[-n:]) for path, of in parts.items()}
        if len(set(names.values())) == len(paths):
            break
    return names


def _files_of(pair: Any) -> list[Any]:
    return [pair[key] for key in sorted(PAIR_KEYS) if key in pair] if isinstance(pair, Mapping) else []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _told(value: Any, names: Mapping[str, str]) -> Any:
    """The value without absolute paths, in keys and in texts."""
    if isinstance(value, Mapping):
        return {_without_folders(str(key), names): _told(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_told(item, names) for item in value]
    return _without_folders(value, names) if isinstance(value, str) else value


def _without_folders(text: str, names: Mapping[str, str]) -> str:
    """The text with names of files in place of absolute paths, which may have spaces where they are the whole text."""
    if text in names:
        return names[text]
    for path in sorted(names, key=len, reverse=True):
        text = text.replace(path, names[path])
    return _ABSOLUTE.sub("", text)
