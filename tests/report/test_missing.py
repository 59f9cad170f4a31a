"""What stands in place of an empty view names commands, options and keys that exist."""

from __future__ import annotations

import re

import pytest

from geomsim.cli.app import app
from geomsim.report.missing import MISSING
from geomsim.report.page.sections import SECTIONS
from geomsim.study_config import OPTIONS, PAIR_KEYS

COMMANDS = [(view, command) for view, text in MISSING.items() for command in re.findall(r"`(geomsim [^`]*)`", text)]


def test_every_view_has_words():
    assert {section.id for section in SECTIONS} | {"contexts"} == set(MISSING)
    assert all(text.endswith(".") for text in MISSING.values())


@pytest.mark.parametrize(("view", "command"), COMMANDS)
def test_the_commands_exist(view, command):
    words = command.split()[1:]
    # One that the parser refuses raises; nothing is run.
    values = {"--graphs": "4", "--contexts": "3"}
    words = [values.get(words[at - 1], word) for at, word in enumerate(words)]
    app.parse_args(words, exit_on_error=False, print_error=False)


def test_the_keys_of_a_study_exist():
    named = set(re.findall(r"(\w+) = ", " ".join(MISSING.values())))
    assert named
    assert named <= OPTIONS | PAIR_KEYS
