"""A page for each verb of the command line, made of the command itself: its help, its arguments, its options."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

from cyclopts import App
from page_parts import table, toctree

from geomsim.cli.app import app
from geomsim.cli.console import Common

FOLDER = "_generated/command_line"
_COMMON = frozenset(Common.__dataclass_fields__)
_EXITS = (
    ("0", "done"), ("1", "failed, with a message"), ("2", "the command line was not understood"),
    ("3", "partly done: some cells, latents or plugins failed, and the output says which"), ("130", "interrupted"),
    ("143", "ended by SIGTERM; what was finished is kept, as after 130"),
)  # fmt: skip


def verbs() -> dict[str, App]:
    """All verbs, with those of plugins."""
    return {name: app[name] for name in app if not name.startswith("-")}


def write_pages(write: Callable[[str, str], None]) -> list[str]:
    """Write all pages and the page that lists them; the verbs."""
    found = verbs()
    for name, verb in found.items():
        write(f"{FOLDER}/{name}.md", page(name, verb))
    rows = [[f"[`geomsim {name}`]({name}.md)", verb.help.split("\n\n")[0]] for name, verb in found.items()]
    write(
        f"{FOLDER}/index.md",
        "\n\n".join([
            "# The command line",
            "`geomsim VERB --help` says on the terminal what stands here. Whatever the command line can do, Python "
            "can.",
            table(["verb", "what it does"], rows),
            "## Options of every verb",
            _options(found["doctor"], common=True),
            "## Where a value comes from",
            "The command line comes first, then the environment (`GEOMSIM_VERB_OPTION`, such as "
            "`GEOMSIM_COMPARE_DRAWS=99`), then a file `geomsim.toml` here or in a folder above (a table `[compare]` "
            "with `draws = 99`), then the default.",
            "## Exit codes",
            table(["code", "meaning"], _EXITS),
            toctree(list(found), ":hidden:"),
        ])
        + "\n",
    )  # fmt: skip
    return list(found)


def page(name: str, verb: App, level: int = 1) -> str:
    """One verb, and those below it."""
    parts = [f"{'#' * level} geomsim {name}", *_words(verb)]
    below = [sub for sub in verb if not sub.startswith("-")]
    if below:
        parts += [page(f"{name} {sub}", verb[sub], level + 1) for sub in below]
    else:
        parts += [f"```text\ngeomsim {name} {_usage(verb)}\n```", _options(verb)]
    if level == 1:
        parts += ["`--seed`, `--json`, `--dry-run`, `--device`, `--quiet`, `--verbose` and `--debug` are "
                  "[options of every verb](index.md#options-of-every-verb)."]  # fmt: skip
    return "\n\n".join(parts)


def _words(verb: App) -> list[str]:
    """What the verb does, as its function tells it before its parameters."""
    function = verb.default_command
    text = inspect.getdoc(function) if function is not None else verb.help
    before = re.split(r"\n\w+\n-{3,}\n", text or "")[0].strip()
    return [re.sub(r"``([^`]+)``", r"`\1`", before)]


def _usage(verb: App) -> str:
    arguments = [argument.names[0] for argument in verb.assemble_argument_collection()]
    names = [name for name in arguments if name.isupper()]
    return " ".join([*names, "[OPTIONS]"])


def _options_as_code(words: str) -> str:
    """Options named in plain words as code; what is code already stays."""
    parts = words.split("`")
    parts[::2] = [re.sub(r"(?<!\w)(--[a-z][a-z-]*)", "\0\\1\0", part) for part in parts[::2]]
    return "`".join(parts).replace("\0", "`")


def _options(verb: App, common: bool = False) -> str:
    """Arguments and options as a table, from the command's own documentation."""
    text = verb.generate_docs(output_format="markdown", recursive=False)
    # A line may go on, indented, below.
    items = re.findall(r"^\* (`.*(?:\n(?!\* |\n).*)*)", text, re.MULTILINE)
    rows = []
    for item in items:
        names, _, words = item.partition("`: ")
        names = names.strip("`")
        first = re.sub(r"^--", "", names.split(",")[0].split(" ")[0]).replace("-", "_")
        if (first in _COMMON) is not common:
            continue
        default = re.search(r"\s*\*\[default: (.*)\]\*$", words)
        words = re.sub(r"\s*(\*\[default: .*\]\*|\*\*\[required\]\*\*)$", "", words)
        required = "**[required]**" in item
        shown = f"`{default.group(1)}`" if default and default.group(1) != "False" else ("required" if required else "")
        rows.append([f"`{names}`", _options_as_code(words), shown])
    return table(["option", "what it says", "default"], rows) if rows else "No options of its own."
