"""`geomsim doctor`: what this machine has, and whether the numbers come out right here."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from pathlib import Path
from typing import Any

from geomsim.catalog import entries
from geomsim.cli.console import DONE, FAILED, Common, plain_table
from geomsim.errors import BrokenPlugin

_PACKAGES = (
    "geomsim", "torch", "numpy", "scipy", "scikit-learn", "kmapper", "POT", "pandas", "pyarrow", "matplotlib",
    "transformers", "transformer-lens", "sae-lens",
)  # fmt: skip


def doctor(*, common: Common = Common()) -> int:
    """Show versions, threads, memory, GPU and offline state, and run a self-test with a known answer."""
    import psutil
    import torch

    memory = psutil.virtual_memory()
    found: dict[str, Any] = {
        "python": f"{platform.python_version()} on {platform.platform()}",
        "packages": {name: _version(name) for name in _PACKAGES},
        "threads": f"{torch.get_num_threads()} torch threads, {os.cpu_count()} cores",
        "memory": f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free",
        "disk": f"{shutil.disk_usage(Path.cwd()).free / 2**30:.1f} GiB free here",
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "offline": "yes" if os.environ.get("HF_HUB_OFFLINE") == "1" else "no (HF_HUB_OFFLINE is not set)",
        "metrics": _metrics(),
    }
    found["self_test"] = "not run" if common.dry_run else _self_test()
    table = plain_table("", ["", ""], [[key, _words(value)] for key, value in found.items()])
    if common.dry_run:
        common.plan(table, bytes=0, details=found)
    else:
        common.emit(found, table)
    healthy = found["self_test"] in ("passed", "not run") and all(state == "ok" for state in found["metrics"].values())
    return DONE if healthy else FAILED


def _self_test() -> str:
    """A cloud against its rotated copy: Procrustes is 1, and no shuffle comes close."""
    import numpy as np

    from geomsim.comparison import compare

    random = np.random.Generator(np.random.PCG64(0))
    points = random.normal(size=(200, 16))
    rotation = np.linalg.qr(random.normal(size=(16, 16)))[0]
    result = compare(points, points @ rotation, "procrustes", draws=99)
    if abs(result.score - 1) > 1e-9 or result.p_value != 0.01:
        return f"FAILED: a rotated copy scores {result.score!r} with p {result.p_value}, expected 1 and .01"
    return "passed"


def _metrics() -> dict[str, str]:
    states = {}
    for entry in entries():
        try:
            entry.load()
            states[entry.name] = "ok"
        except BrokenPlugin as error:
            states[entry.name] = str(error)
    return states


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key} {item}" for key, item in value.items())
    return str(value)
