"""`geomsim latent`: one latent of some codes, how often, how strongly and on what it is active."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from geomsim.cli.console import DONE, Common
from geomsim.cli.opening import TextOptions, open_text

if TYPE_CHECKING:
    from rich.table import Table

    from geomsim.activations.latent_look import LatentLook

_NARROW, _WIDE = 60, 160


def latent(
    codes: Path,
    number: int,
    /,
    *,
    text: str | None = None,
    dictionary: Annotated[Path | None, Parameter(name=["--dictionary", "-d"])] = None,
    bins: int = 20,
    scale: Literal["linear", "log"] = "linear",
    tokens: int = 10,
    contexts: int = 5,
    intervals: int = 5,
    each: int = 2,
    figure: Path | None = None,
    part: TextOptions = TextOptions(),
    common: Common = Common(),
) -> int:
    """Look at one latent: firing rate, histogram of its activations, top tokens, and the places where it is active.

    Parameters
    ----------
    codes
        a folder of codes, as `geomsim activations` writes them.
    number
        which latent, counted from 0.
    text
        the text that was read: what was given to `geomsim activations`. Without it numbers only.
    dictionary
        the sparse autoencoder that made the codes, for the latents whose decoder rows lie nearest.
    bins
        of the histogram.
    scale
        linear for bins of equal width, log for bins of equal ratio.
    tokens
        how many top tokens.
    contexts
        how many of the strongest places, one per document.
    intervals
        also a sample by strength: places from so many equal intervals of activation.
    each
        how many places of each interval.
    figure
        write the histogram as .pdf, .png or .svg.
    """
    from geomsim.activations.codes_reader import read_manifest
    from geomsim.activations.dictionary import read_dictionary
    from geomsim.activations.latent_look import look
    from geomsim.activations.one_latent import open_latent

    if common.dry_run:
        n_tokens = read_manifest(codes)["n_tokens"]
        return common.plan(
            f"would read {n_tokens:,} tokens" + (f" and write {figure}" if figure else ""),
            would_read=[codes, text, dictionary],
            would_write=[figure],
            details={"n_tokens": n_tokens},
        )
    found = look(
        open_latent(codes, number), number,
        None if text is None else open_text(text, part),
        None if dictionary is None else read_dictionary(dictionary),
        bins=bins, scale=scale, tokens=tokens, contexts=contexts, intervals=intervals, each=each, seed=common.start,
    )  # fmt: skip
    if figure is not None:
        from geomsim.report.activations import activation_bars
        from geomsim.report.panels import figure_of
        from geomsim.report.saving import save_figure

        save_figure(figure_of(activation_bars(found.histogram, title=found.name)), figure)
        common.note(f"wrote {figure}")
    hint = [] if text else ["Next: the same with --text shows top tokens and the places where it is active."]
    common.emit(found.to_dict(), _picture(found), *hint)
    return DONE


def _picture(found: LatentLook) -> Table:
    """The sections as they stand, headings bold, each token in its context marked where the terminal can."""
    from rich.table import Table
    from rich.text import Text

    from geomsim.activations.latent_look import CLOSE, OPEN

    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
    grid = Table.grid()
    grid.add_column(no_wrap=True, overflow="ellipsis")
    for heading, lines in found.sections(min(_WIDE, max(_NARROW, columns)) - 3):
        grid.add_row(Text(heading, style="bold"))
        for line in lines:
            shown = Text("  " + line)
            shown.highlight_regex(f"{OPEN}[^{CLOSE}]*{CLOSE}", "bold reverse")
            grid.add_row(shown)
        grid.add_row("")
    return grid
