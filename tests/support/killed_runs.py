"""Runs that are killed, as processes of their own: python killed_runs.py WHAT FOLDER; prints what was found as JSON.

Children are forked once the libraries are loaded, which takes longer than the runs themselves.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import scipy.sparse  # noqa: F401 - so that no child needs to
import torch
from letters import digests, letters_dictionary, letters_source

from geomsim.activations import codes_folder
from geomsim.activations.reading import write_codes
from geomsim.activations.text import documents_from_strings
from geomsim.errors import InvalidCodes

TEXTS = ["to be, or not", "", "that is the question: whether", "x", "'tis nobler in the mind", "to suffer"]


def in_child(work: Callable[[], object], kill_when: Callable[[], bool] | None = None) -> int:
    """What a forked process ends with: an exit code, or the number of the signal that killed it, below 0."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = int(work() or 0)
        finally:
            sys.stderr.flush()
            os._exit(code)
    if kill_when is not None:
        while not kill_when() and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)  # it has not been waited for, so the number is still its own
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def write(folder: Path, **options: object) -> None:
    write_codes(
        letters_source(), documents_from_strings(TEXTS), {"0": letters_dictionary(), "1": None},
        {"0": folder / "sparse", "1": folder / "dense"}, shard_characters=30, batch_tokens=16, **options,
    )  # fmt: skip


def killed_at(moment: int, folder: Path) -> None:
    """Write, and die at the given one of the moments within a file and before it gets to the disk and to its name."""
    passed = itertools.count()

    def pass_by() -> None:
        if next(passed) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def dying(call: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **options: object) -> object:
            pass_by()
            return call(*arguments, **options)

        return counted

    def halting(pieces: Iterable[object]) -> Iterator[object]:
        pieces = list(pieces)
        yield from pieces[: len(pieces) // 2]
        pass_by()
        yield from pieces[len(pieces) // 2 :]

    appear = codes_folder.appear
    codes_folder.appear = lambda file, pieces: appear(file, halting(pieces))
    os.fsync = dying(os.fsync)
    Path.replace = dying(Path.replace)
    Path.mkdir = dying(Path.mkdir)
    write(folder)


def each_step(folder: Path) -> dict[str, object]:
    """Kill at every step of writing in turn, resume, compare."""
    os.fsync = lambda number: None  # a killed process loses nothing that the system has, and hundreds of runs wait
    assert in_child(lambda: write(folder / "whole")) == 0
    expected = digests(folder / "whole")
    moment, left = 0, set[int]()
    while True:
        here = folder / str(moment)
        ended = in_child(lambda: killed_at(moment, here))  # noqa: B023 - it is called at once
        if ended == 0:
            return {"steps": moment, "files": len(expected), "left_behind": sorted(left)}
        assert ended == -signal.SIGKILL, ended
        for file, digest in digests(here).items():
            assert file.endswith(".part") or digest == expected[file], file
        left.add(len(digests(here)))
        assert in_child(lambda: write(here, resume=True)) == 0  # noqa: B023
        assert digests(here) == expected, moment
        moment += 1


def full_disk(folder: Path) -> dict[str, object]:
    """Write where no file may be larger than all but the largest shard, then with that limit gone."""
    texts = ["short text " * 10, "short text " * 10, "long text " * 200, "short text " * 10]

    def here(name: str, **options: object) -> None:
        write_codes(
            letters_source(), documents_from_strings(texts), {"1": None}, {"1": folder / name}, shard_characters=1,
            **options,
        )  # fmt: skip

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        try:
            here("limited")
        except InvalidCodes as error:
            (folder / "said").write_text(str(error))

    assert in_child(lambda: here("whole")) == 0
    assert in_child(limited) == 0
    after = sorted(path.name for path in (folder / "limited").iterdir())
    assert in_child(lambda: here("limited", resume=True)) == 0
    assert digests(folder / "limited") == digests(folder / "whole")
    return {"said": (folder / "said").read_text(), "after": after}


def command_line(folder: Path, model: str, text: str) -> dict[str, object]:
    """The real command on a real model, killed at moments of chance until it ends by itself."""
    from geomsim.cli.app import run

    def started(name: str, *more: str) -> int:
        sae = f"{model}/saes/layer_1"
        arguments = [
            "activations",
            model,
            "--text",
            text,
            "--out",
            str(folder / name),
            "-d",
            sae,
            "--site",
            "neurons:0",
        ]
        with (folder / "log").open("a") as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            return run([*arguments, "--shard-characters", "3000", *more])

    importlib.import_module("transformers.models.gpt2.modeling_gpt2")  # once, rather than in each child
    assert in_child(lambda: started("whole")) == 0
    expected = digests(folder / "whole")
    chance, shards = random.Random(0), []
    for wanted in (0, 1, 4):
        end = time.monotonic() + 600

        def now() -> bool:
            nonlocal end
            # A little after so many shards are there: anywhere in the making of the next ones.
            if end > time.monotonic() + 300 and len(list((folder / "killed").glob("*/shard-*s"))) >= wanted:  # noqa: B023
                end = time.monotonic() + chance.uniform(0, 0.1)
            return time.monotonic() > end

        assert in_child(lambda: started("killed", "--resume"), kill_when=now) == -signal.SIGKILL
        found = digests(folder / "killed") if (folder / "killed").exists() else {}
        assert all(name.endswith(".part") or found[name] == expected[name] for name in found)
        shards.append(sum(name.endswith(".safetensors") for name in found))
    assert in_child(lambda: started("killed", "--resume")) == 0
    assert digests(folder / "killed") == expected
    return {"shards": shards, "shards_in_all": sum(name.endswith(".safetensors") for name in expected)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    what, where, *more = sys.argv[1:]
    found = {"each-step": each_step, "full-disk": full_disk, "command-line": command_line}[what](Path(where), *more)
    print(json.dumps(found))  # noqa: T201 - what the test reads
