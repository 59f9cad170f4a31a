"""`geomsim within`: groups of rows of one space against each other."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from geomsim.catalog import load_file
from geomsim.cli.console import DONE, FAILED, PARTLY, STUDY_FILES, Common, Scheduler, plain_table, score_table
from geomsim.cli.opening import TextOptions, check_folder, open_space, open_text
from geomsim.cli.report import check_page, write_report
from geomsim.errors import InvalidConfig
from geomsim.row_groups import group_of

if TYPE_CHECKING:
    from geomsim.group_files import GroupFile
    from geomsim.space import Space

_NO_NUMBERS = frozenset({"out", "report", "scheduler", "common"})


@Parameter(name="*")
@dataclass(frozen=True)
class Themes:
    """Groups made of the tokens that rows are most active on.

    Parameters
    ----------
    tokens
        of the rows, as `geomsim activations --top-tokens` writes them.
    themes
        a TOML file of themes; by default those that geomsim ships.
    top
        how many of the top tokens are looked at.
    rule
        any or most of them must be keywords.
    case_sensitive
        whether "May" and "may" differ.
    shared
        put a row of several themes into all of them; by default it goes to the one that it matches best.
    """

    tokens: Path | None = None
    themes: Path | None = None
    top: int = 5
    rule: Literal["any", "most"] = "any"
    case_sensitive: Annotated[bool, Parameter(negative="")] = False
    shared: Annotated[bool, Parameter(negative="")] = False


def within(
    space: Path,
    /,
    *,
    metric: Annotated[list[str], Parameter(name=["--metric", "-m"], negative="")],
    group: Annotated[list[str] | None, Parameter(name=["--group", "-g"], negative="")] = None,
    groups: Path | None = None,
    correspondence: Literal["by-order"] | None = None,
    pool: str | None = None,
    null: Annotated[list[str] | None, Parameter(negative="")] = None,
    kept: Literal["left", "right"] | None = None,
    draws: int = 999,
    interval: str | None = None,
    of_themes: Themes = Themes(),
    text: str | None = None,
    least: int = 20,
    part: TextOptions = TextOptions(),
    plugin: Annotated[list[Path] | None, Parameter(negative="")] = None,
    out: Path | None = None,
    report: Path | None = None,
    scheduler: Scheduler = None,
    common: Common = Common(),
) -> int:
    """Compare groups of rows of one space with each other: are months arranged as numbers are?

    Parameters
    ----------
    space
        points as .npy, .npz or .safetensors, the directory of a sparse autoencoder (its decoder rows), or with --text
        a folder of codes, whose mean activation at each token is a row.
    metric
        a metric's name, or with parameters 'knn-jaccard(k=20)'; may be given again.
    group
        a name in --groups or of a theme, or rows as NAME=0,5,9 or NAME=sun,moon (ids; NAME=ids:0,1 where ids are
        numbers); may be given again. By default all groups of the file, or else all themes. Each two are compared.
    groups
        a .toml or .json file with a table [groups] of rows or ids by name; may hold pool and correspondence too.
    correspondence
        by-order: row i of one group belongs to row i of the other, which paired metrics need.
    pool
        rows that random groups are made of: a group of the file, or rows as 0,5,9; all rows by default, with --tokens
        all that are ever active.
    null
        random-group by default; shuffle, noise-floor and the others of `geomsim compare`; may be given again.
    kept
        draw random groups for the other side alone, and keep this one (of the null random-group).
    draws
        random groups per comparison.
    interval
        jackknife or bootstrap gives an interval beside each score.
    text
        the text that codes were read from: what was given to `geomsim activations`.
    least
        with --text: how often a token must occur to be a row.
    plugin
        a Python file that registers metrics; may be given again.
    out
        a folder for results.parquet, results.csv, draws.npz and run.json.
    report
        also write one HTML file.
    """
    from geomsim.group_files import read_groups
    from geomsim.group_table import compare_all_groups
    from geomsim.metric_text import read_metric_text
    from geomsim.nulls import RandomGroup
    from geomsim.study_config import metric_of

    command = _command(locals())
    check_folder(out)
    check_page(report)
    for file in plugin or []:
        common.detail(f"{file} registers {', '.join(load_file(file))}")
    metrics = [metric_of(read_metric_text(text)) for text in metric]
    names = null or [RandomGroup.name]
    if kept and RandomGroup.name not in names:
        raise InvalidConfig(f"--kept {kept} is a choice of the null {RandomGroup.name}; add --null {RandomGroup.name}")
    stored = read_groups(groups) if groups else None
    if common.dry_run:
        return _planned(space, metric, group, stored, groups, of_themes, text, draws, out, report, common)
    opened = _opened(space, text, part, least, common)
    strings = _strings(of_themes, opened)
    chosen = _groups(group, stored, of_themes, strings, opened)
    nulls = [RandomGroup(kept) if each == RandomGroup.name else each for each in names]
    correspond = "by order" if correspondence else stored.correspondence if stored else None
    study = compare_all_groups(
        opened,
        chosen,
        metrics,
        correspondence=correspond,
        pool=_pool(pool, stored, chosen, strings, opened),
        null=[None if each == "none" else each for each in nulls],
        draws=draws,
        seed=common.start,
        interval=interval,
        scheduler=scheduler,
    )
    study = replace(study, config={**study.config, "command": command})
    if out:
        for written in study.save(out):
            common.note(f"wrote {written}")
    if report:
        common.note(f"wrote {write_report(study, report, common)}")
    records = study.records()
    remarks = dict.fromkeys(
        f"  {record['left_group']} and {record['right_group']}, {record['metric']}: {note}"
        for record in records
        for note in (record["error"], record["warnings"])
        if note
    )
    shown = score_table(f"{space}", records, ["left_group", "right_group"], adjusted="holm")
    common.emit(
        records,
        shown,
        *(["Read these before believing the numbers:", *remarks] if remarks and not common.quiet else []),
    )
    undefined = [cell for cell in study.failed if cell.n != 0]  # that a group is empty is an answer
    if not undefined:
        return DONE
    return FAILED if len(undefined) == len(study.cells) else PARTLY


def _command(given: Mapping[str, Any]) -> str:
    """The command line of these arguments, of those that change the numbers and are not as by default."""
    usual = {name: each.default for name, each in inspect.signature(within).parameters.items()}
    told = {name: given[name] for name in usual if name not in _NO_NUMBERS}
    for options in ("of_themes", "part"):
        told |= vars(told.pop(options))
        usual |= vars(usual.pop(options))
    words = ["geomsim", "within", str(told.pop("space"))]
    for name, value in told.items():
        if value is None or value == usual[name]:
            continue
        option = f"--{name.replace('_', '-')}"
        each = value if isinstance(value, list) else [value]
        words += [option] if value is True else [word for one in each for word in (option, str(one))]
    return shlex.join([*words, "--seed", str(given["common"].start)])


def _opened(path: Path, text: str | None, part: TextOptions, least: int, common: Common) -> Space:
    if text is None:
        return open_space(path, common.device)
    from geomsim.activations.codes import Codes
    from geomsim.concept_groups import token_means

    return token_means(Codes.open(path), open_text(text, part), least=least)


def _strings(of_themes: Themes, space: Space) -> list[list[str]] | None:
    """The top tokens of each row of the space; none for a row that is never active."""
    if of_themes.tokens is None:
        if of_themes.themes is not None:
            raise InvalidConfig("--themes needs --tokens, a table of each row's top tokens")
        return None
    from geomsim.activations.latent_tokens import read_top_tokens

    strings = read_top_tokens(of_themes.tokens).strings
    if len(strings) != space.n_rows:
        raise InvalidConfig(
            f"{of_themes.tokens} has the top tokens of {len(strings)} rows, and the space has {space.n_rows}"
        )
    return strings


def _groups(
    asked: list[str] | None,
    stored: GroupFile | None,
    of_themes: Themes,
    strings: list[list[str]] | None,
    space: Space,
) -> dict[str, Any]:
    """The groups that are compared, by name, in the order in which they were asked for."""
    known: dict[str, Any] = {}
    if strings is not None:
        from geomsim.concept_groups import theme_groups
        from geomsim.subspaces import read_themes

        themes = read_themes(of_themes.themes)
        named = [name for name in asked or themes if name in themes]
        known |= theme_groups(
            strings, themes, only=named, top=of_themes.top, rule=of_themes.rule, shared=of_themes.shared,
            case_sensitive=of_themes.case_sensitive,
        )  # fmt: skip
    if stored is not None:
        known = {**known, **stored.groups} if asked else dict(stored.groups)
    chosen = {}
    for each in asked or known:
        name, given, rows = each.partition("=")
        if given:
            chosen[name] = _rows(rows, space)
        elif name in known:
            chosen[name] = known[name]
        else:
            have = f"there are {', '.join(known)}" if known else "give --groups FILE, or --tokens for themes"
            raise InvalidConfig(f"no group is called {name!r}; {have}, or rows as --group {name}=0,5,9")
    if not chosen:
        raise InvalidConfig("no groups: give --group NAME=ROWS, --groups FILE, or --tokens for themes")
    return chosen


def _pool(
    given: str | None,
    stored: GroupFile | None,
    chosen: Mapping[str, Any],
    strings: list[list[str]] | None,
    space: Space,
) -> Any:
    """The rows that random groups are made of; None for all."""
    if given is not None:
        known = {**(stored.groups if stored else {}), **chosen}
        return known[given] if given in known else _rows(given, space)
    if stored is not None and stored.pool is not None:
        return stored.pool
    if strings is None or all(strings):
        return None
    # A latent that is never active is in no theme, and its direction is where training left it.
    rows = {row for row, tokens in enumerate(strings) if tokens}
    return sorted(rows.union(*(group_of(space, group).rows.tolist() for group in chosen.values() if len(group))))


def _rows(text: str, space: Space) -> list[Any]:
    """Row numbers or ids. Raises InvalidConfig where numbers are ids too, and nobody says which is meant."""
    kind, given, listed = text.partition(":")
    if not given or kind not in ("rows", "ids"):
        kind, listed = "", text
    names = listed.split(",")
    numbers = all(name.strip().isdecimal() for name in names)
    if kind == "rows" and not numbers:
        raise InvalidConfig(f"{text} names rows that are no numbers; write rows:0,5,9, or ids:{listed}")
    if numbers and not kind and set(names) & set(space.ids or ()):
        raise InvalidConfig(f"{text} may be row numbers or ids of this space; write rows:{text} or ids:{text}")
    return [int(name) for name in names] if numbers and kind != "ids" else names


def _planned(
    space: Path,
    metric: list[str],
    group: list[str] | None,
    stored: GroupFile | None,
    groups: Path | None,
    of_themes: Themes,
    text: str | None,
    draws: int,
    out: Path | None,
    report: Path | None,
    common: Common,
) -> int:
    """What would be done; themes are not matched, so that nothing is read but the file of groups."""
    names = [each.partition("=")[0] for each in group or (stored.groups if stored else [])]
    couples = len(names) * (len(names) - 1) // 2
    rows = [[name, ", ".join(metric)] for name in names] or [["all themes", ", ".join(metric)]]
    files = [*([out / name for name in STUDY_FILES] if out else []), *([report] if report else [])]
    return common.plan(
        plain_table(f"{space}: {draws} draws for each couple and metric", ["group", "metrics"], rows),
        would_read=[space, groups, of_themes.tokens, of_themes.themes, text],
        would_write=files,
        details={"groups": names, "couples": couples or None, "metrics": metric},
    )
