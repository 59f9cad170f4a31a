"""The same score on every device."""

from __future__ import annotations

from typing import Any

from geomsim.contract import Metric
from geomsim.promises.clouds import largest
from geomsim.promises.outcomes import Broken, Skipped
from geomsim.promises.scores import close, score


def cpu_equals_cuda(metric: Metric[Any]) -> str:
    """CPU and CUDA agree, where there is a CUDA device."""
    import torch

    if not torch.cuda.is_available():
        raise Skipped("there is no CUDA device here")
    left, right = largest()
    cpu, gpu = score(metric, left, right), score(metric, left.cuda(), right.cuda())
    if not close(cpu, gpu, 1e-6):
        raise Broken(f"CPU scores {cpu:.12g}, CUDA {gpu:.12g}")
    return "CPU and CUDA agree"
