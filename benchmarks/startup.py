"""How long `import geomsim` and `geomsim --help` take, best of several fresh processes, and what they import."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

RUNS = 7
HEAVY = ("torch", "transformers", "transformer_lens", "sae_lens", "scipy", "sklearn", "pandas", "matplotlib")


def best_of(command: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    python = sys.executable
    script = str(Path(python).with_name("geomsim"))
    bare = best_of([python, "-c", "pass"])
    rows = {
        "python -c pass": [python, "-c", "pass"],
        "python -c 'import numpy'": [python, "-c", "import numpy"],
        "python -c 'import geomsim'": [python, "-c", "import geomsim"],
        "geomsim --help": [script, "--help"],
        "python -c 'import torch'": [python, "-c", "import torch"],
    }
    print("| command | seconds, best of 7 | less the bare interpreter |")
    print("| --- | --- | --- |")
    for name, command in rows.items():
        seconds = best_of(command)
        print(f"| `{name}` | {seconds:.2f} | {seconds - bare:.2f} |")
    check = f"import sys, geomsim; print([name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([python, "-c", check], check=True, capture_output=True, text=True).stdout.strip()
    print(f"\nHeavy modules in `sys.modules` after `import geomsim`: {loaded}")


if __name__ == "__main__":
    main()
