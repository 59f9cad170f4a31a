"""geomsim beside every peer that is installed, in one run: a Markdown table of ratios.

python benchmarks/peers.py                    # all, minutes; writes benchmarks/peers.md
python benchmarks/peers.py --quick            # small inputs in one process, to see that it works: times mean nothing
python benchmarks/peers.py --only rsa loops   # tasks whose name or peer begins with one of these; prints only
python benchmarks/peers.py --out FILE

Tasks stand in `benchmarks/peers/`, a file per topic: an input made from a fixed seed, what either side makes of it, and
how far the answers may differ. Each side of a task runs in a process of its own, which may use as many threads as there
are cores. After a call on a small input, which loads and compiles, it is called 3 to 7 times (fewer times if they take
more than 30 s together), and the median is taken. Memory is what the process held at most during these calls, and
by how much that is more than before them. A peer that is not installed, fails or answers otherwise is listed with that;
one whose call takes more than 90 s has "> s". Where the answers differ by more than they may, or geomsim fails, the
command ends with 1.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
TOPICS = ("mapper_graphs", "loops", "similarity", "recomputation", "dense", "transport", "layout", "reading_codes")
# Peers for which nothing is measured, by distribution; where one is installed the table says that it has no task.
WITHOUT_TASK = {"netrep": "netrep", "giotto-tda": "gtda", "rtd-lite": "rtd_lite", "ripserplusplus": "ripserplusplus",
                "cca-zoo": "cca_zoo", "repsim": "repsim", "tda-mapper": "tdamapper"}  # fmt: skip
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
LIMIT = 90.0  # seconds that a call may take
LOADING = 300.0  # seconds that all else may take in the process of a side
VERSIONS = ("geomsim", "numpy", "scipy", "torch", "numba")

if TYPE_CHECKING:
    from peers.task import Task


@dataclass(frozen=True)
class Row:
    """What was measured of a task; numbers are None where a side did not get so far."""

    task: Task
    size: str
    ours: dict[str, Any] | None
    theirs: dict[str, Any] | None
    answers: str
    broken: bool = False


def tasks_of(topic: str) -> tuple[Task, ...]:
    """Those of one file."""
    if str(HERE) not in sys.path:
        sys.path.append(str(HERE))
    found: tuple[Task, ...] = importlib.import_module(f"peers.{topic}").TASKS
    return found


def chosen(only: list[str]) -> list[tuple[str, Task]]:
    """Topic and task, where the name begins with one of `only` or the peer is one; all where there is none."""
    every = [(topic, task) for topic in TOPICS for task in tasks_of(topic)]
    found = [(topic, task) for topic, task in every
             if not only or task.name.startswith(tuple(only)) or task.peer in only]  # fmt: skip
    if not found:
        sys.exit(f"no task {', '.join(only)}; there are {', '.join(task.name for _, task in every)}")
    return found


def side_in_process(topic: str, name: str, side: str, limit: float) -> tuple[dict[str, Any] | None, Any, str]:
    """What a process of its own measures, the answer, and why there is none; `limit` holds for each call in it."""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.npy"
        command = [sys.executable, __file__, "--side", topic, side, str(limit), "--only", name, "--out", str(answer)]
        try:
            # The last call is begun within MOST_SECONDS of the first.
            done = subprocess.run(command, capture_output=True, text=True, timeout=2 * limit + LOADING, check=False)
        except subprocess.TimeoutExpired:
            return None, None, f"no answer within {2 * limit + LOADING:.0f} s"
        if done.returncode == -signal.SIGALRM:
            return None, None, f"> {limit:g} s"
        if done.returncode:
            return None, None, (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        return json.loads(done.stdout.splitlines()[-1]), np.load(answer), ""


def side_here(task: Task, side: str) -> tuple[dict[str, Any] | None, Any, str]:
    """The same on the small input in this process, whose memory says nothing of one task."""
    from peers.task import measured

    try:
        found, answer = measured(task, side, quick=True)
    except Exception as error:
        return None, None, f"{type(error).__name__}: {error}"
    return {key: value for key, value in found.items() if key in ("seconds", "repeats")}, answer, ""


def row_of(topic: str, task: Task, *, quick: bool, limit: float = LIMIT) -> Row:
    """Both sides of a task, and whether they agree."""

    def measured(side: str) -> tuple[dict[str, Any] | None, Any, str]:
        # Only the topic's own libraries are loaded in that process.
        return side_here(task, side) if quick else side_in_process(topic, task.name, side, limit)

    size = task.size.format(*(task.quick if quick else task.full))
    if why := task.missing():
        return Row(task, size, None, None, f"skipped, {why}")
    ours, answer, why = measured("geomsim")
    if ours is None:
        return Row(task, size, None, None, f"geomsim failed: {why}", broken=True)
    theirs, other, why = measured("peer")
    cut_off = theirs is None and why.startswith(">")
    if theirs is None and not cut_off:
        return Row(task, size, ours, None, f"the peer failed: {why}")
    theirs = theirs or {"seconds": limit, "at_least": True}
    if task.draws is not None:
        theirs["seconds"] *= task.draws[0] / task.draws[1]
    if cut_off:
        return Row(task, size, ours, theirs, "not known: the peer was cut off")
    if task.tolerance is None:
        return Row(task, size, ours, theirs, f"{numbers(answer)} and {numbers(other)}")
    apart = task.difference(answer, other)
    broken = not apart <= task.tolerance
    said = f"**differ by {apart:.1e}**" if broken else f"{apart:.0e}" if apart else "equal"
    return Row(task, size, ours, theirs, f"{said} (at most {task.tolerance:g})", broken)


def numbers(answer: Any) -> str:
    """The numbers of a short answer."""
    return ", ".join(f"{number:.4g}" for number in answer.ravel())


def cells(row: Row) -> list[str]:
    """A line of the table."""
    ours, theirs = row.ours or {}, row.theirs or {}
    times = [seconds(side) for side in (theirs, ours)]
    ratio = ""
    if row.ours and row.theirs:
        share = theirs["seconds"] / ours["seconds"]
        ratio = f"{'> ' if 'at_least' in theirs else ''}{share:.3g}"
        ratio += " (geomsim is slower)" if share < 1 and "at_least" not in theirs else ""
    peer = row.task.version if not row.task.missing() else row.task.peer
    memory = [f"{side['peak']:,.0f} ({side['peak'] - side['before']:,.0f})" if "peak" in side else ""
              for side in (theirs, ours)]  # fmt: skip
    return [row.task.task, row.size, peer, *times, ratio, row.answers, *memory, row.task.note]


def seconds(side: dict[str, Any]) -> str:
    """Three digits, and how they were found."""
    if not side:
        return ""
    return f"> {side['seconds']:.0f}" if "at_least" in side else f"{side['seconds']:.3g}"


def machine(threads: int) -> str:
    """What the numbers were measured on."""
    described = platform.processor() or platform.machine()
    if (listed := Path("/proc/cpuinfo")).exists():
        names = [line.split(":", 1)[1].strip() for line in listed.read_text().splitlines() if "model name" in line]
        described = names[0] if names else described
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in VERSIONS)
    return (
        f"{described}, {os.cpu_count()} cores, threads of either side: {threads}; {platform.system()}, "
        f"Python {platform.python_version()}, {versions}."
    )


def skipped() -> list[str]:
    """Peers for which nothing is measured, each with the reason."""
    reasons = {True: "installed, but no task is written for it", False: "not installed"}
    return [
        f"{name} ({reasons[importlib.util.find_spec(module) is not None]})" for name, module in WITHOUT_TASK.items()
    ]


def rendered(rows: list[Row], *, quick: bool) -> str:
    """The page."""
    from geomsim.parallel import cores

    heads = ["task", "size", "peer", "peer, s", "geomsim, s", "ratio, peer / geomsim", "largest difference",
             "peer, peak MiB (of the calls)", "geomsim, peak MiB (of the calls)", "remarks"]  # fmt: skip
    left_out = [f"{row.task.peer}, {row.task.name} ({row.answers.removeprefix('skipped, ')})"
                for row in rows if row.answers.startswith("skipped")]  # fmt: skip
    listed = [row for row in rows if not row.answers.startswith("skipped")]
    warning = "**Small inputs, made to see that it works: these times mean nothing.**\n\n" if quick else ""
    note = "" if quick else (
        "Each side of a row ran in a process of its own. After a call on a small input, which loads and compiles, the "
        "median of 3 to 7 calls was taken (of fewer if they took more than 30 s together). Memory is what the process "
        "held at most during the calls, libraries and input with it, and in brackets by how much that is more than "
        "before them. "
    )  # fmt: skip
    return (
        f"# geomsim beside its peers\n\n{warning}{machine(1 if quick else cores())}\n\n{note}The ratio is the peer's "
        "time over geomsim's: above 1 geomsim is faster. Nulls are of 999 draws where nothing else is said; a peer "
        "makes a few of them, and its time is scaled up. Differences are of all numbers of the answers; where the peer "
        "computes another number, both stand there, the first geomsim's, and the remark says why.\n\n"
        f"| {' | '.join(heads)} |\n{'| --- ' * len(heads)}|\n"
        + "".join(f"| {' | '.join(cell.replace('|', '/') for cell in cells(row))} |\n" for row in listed)
        + f"\nSkipped: {'; '.join([*left_out, *skipped()])}.\n"
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small inputs, one process: times mean nothing")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="beginning of a task, or a peer")
    parser.add_argument("--out", type=Path, help="the page; benchmarks/peers.md unless --quick or --only is given")
    parser.add_argument("--side", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side is not None:
        import numpy as np

        topic, side, limit = asked.side
        task = next(task for task in tasks_of(topic) if task.name == asked.only[0])
        from peers.task import measured

        found, answer = measured(task, side, quick=False, limit=float(limit))
        np.save(asked.out, answer)
        print(json.dumps(found))
        return
    from geomsim.parallel import at_most, cores

    # One thread is no slower on small inputs, and does not wait for others where the machine is busy.
    os.environ |= dict.fromkeys(THREADS, "1" if asked.quick else str(cores()))
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TQDM_DISABLE": "1"}
    rows = []
    with at_most(1) if asked.quick else nullcontext():
        for topic, task in chosen(asked.only):
            rows.append(row_of(topic, task, quick=asked.quick))
            print(f"{task.name}: {' | '.join(cells(rows[-1])[3:7])}", file=sys.stderr, flush=True)
    page = rendered(rows, quick=asked.quick)
    out = asked.out or (None if asked.quick or asked.only else HERE / "peers.md")
    if out is None:
        print(page)
    else:
        out.write_text(page)
    if any(row.broken for row in rows):
        sys.exit("geomsim failed, or the answers differ: see the table")


if __name__ == "__main__":
    main()
