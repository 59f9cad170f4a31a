"""The `geomsim` command: which verbs there are, and how a failure becomes a message and an exit code.

Verbs are imported when they are called, so that `geomsim --help` stays fast.
"""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import cyclopts

import geomsim
from geomsim.cli.console import DONE, FAILED, INTERRUPTED, TERMINATED, USAGE, Common, emit_error, say
from geomsim.cli.option_names import OptionNames
from geomsim.cli.plugin_verbs import plugin_verbs
from geomsim.errors import GeomsimError, GeomsimWarning
from geomsim.interrupts import Terminated, heeding_termination
from geomsim.progress import silent

app = cyclopts.App(
    name="geomsim",
    help="Do two neural networks carry the same features, arranged the same way, and how sure are we?",
    version=lambda: geomsim.__version__,
    config=[cyclopts.config.Env("GEOMSIM_", command=True), cyclopts.config.Toml("geomsim.toml", search_parents=True)],
    suppress_keyboard_interrupt=False,
    default_parameter=cyclopts.Parameter(show_env_var=False),
)

_VERBS = {
    "demo": "From two real models to p-values, offline; on synthetic truth where the models are not shipped.",
    "activations": "Read a model (and its dictionaries) on text: codes on disk.",
    "rerandomise": "A model with its weights drawn anew: the baseline of every claim about trained models.",
    "words": "Pool the tokens of each word: codes on which two tokenizers can be paired.",
    "latent": "Look at one latent: how often, how strongly and on which tokens it is active.",
    "count": "How the latents of two codes fire together, shard by shard, on one machine or many.",
    "pair": "Two codes over the same text: which latent belongs to which.",
    "compare": "Two spaces by one metric or all: scores, chance, p-values.",
    "study": "Many pairs of spaces by many metrics, from a TOML file.",
    "within": "Groups of rows of one space against each other: are months arranged as numbers are?",
    "splitting": "Which features a larger dictionary of the same layer splits, merges, keeps, loses or adds.",
    "causal": "Take paired latents away in both models: are those that look alike used alike?",
    "report": "Results to one HTML file: maps, graphs, scores beside chance, tokens in context.",
    "inspect": "What lies in a file or folder, what is wrong with it, and what to run next.",
    "validate": "Metric cards on synthetic truth, and a leaderboard.",
    "metrics": "The metrics that are installed; one of them in full.",
    "plugin": "Write a new metric package, or check one against the contract.",
    "doctor": "Versions, threads, memory, GPU, offline state, and a self-test with a known answer.",
}
for _verb, _help in _VERBS.items():
    app.command(f"geomsim.cli.{_verb}:{_verb}", name=_verb, help=_help)
for _verb, _function in plugin_verbs(taken=_VERBS):
    app.command(_function, name=_verb)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code: 0 done, 1 failed, 2 usage, 3 partly done, 130 Ctrl-C, 143 SIGTERM."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        command, bound, _ = app.parse_args(tokens, exit_on_error=False)
    except cyclopts.CycloptsError:
        return USAGE  # cyclopts has said what was wrong
    common = bound.arguments.get("common", Common())
    names = _option_names(tokens, command)
    with warnings.catch_warnings(), heeding_termination(), silent() if common.quiet else nullcontext():
        warnings.showwarning = _in_words(warnings.showwarning, names)
        return _run(lambda: command(*bound.args, **bound.kwargs), common, names)


def _option_names(tokens: Sequence[str], command: Callable[..., Any]) -> OptionNames:
    """The options of the verb that is called; none for `--help` and `--version`."""
    verbs, apps, _ = app.parse_commands(tokens)
    if apps[-1].default_command is not command:
        return OptionNames()
    return OptionNames.of(verbs[-1], apps[-1].assemble_argument_collection())


def _in_words(otherwise: Callable[..., None], names: OptionNames) -> Callable[..., None]:
    """Our own warnings without the line of code that gave them."""

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, GeomsimWarning):
            say(f"warning: {names.put_into(str(message))}")
        else:
            otherwise(message, category, *where, **more)

    return show


def _run(verb: Callable[[], Any], common: Common, names: OptionNames) -> int:
    try:
        result = verb()
    except Terminated:
        say("terminated; files already written are whole")
        return TERMINATED
    except KeyboardInterrupt:
        say("interrupted; files already written are whole")
        return INTERRUPTED
    except (GeomsimError, OSError) as error:
        if common.debug:
            traceback.print_exc()
        if isinstance(error, GeomsimError):
            error.args = (names.put_into(str(error)), *error.args[1:])
        emit_error(error, common.json)
        return FAILED
    except Exception as error:
        if common.debug:
            raise
        emit_error(error, common.json, "This is a fault in geomsim or a plugin; --debug shows where.")
        return FAILED
    return result if isinstance(result, int) else DONE


def main() -> None:
    """The console script."""
    sys.exit(run())
