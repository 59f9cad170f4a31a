"""How much memory a batch may take."""

from __future__ import annotations

_LARGEST = 512 << 20  # beyond half a gigabyte a batch gains no speed, and most machines make the same batches


def batch_budget() -> int:
    """Bytes that one batch of work may hold: a quarter of what is free, at most 512 MiB."""
    import psutil

    return int(min(psutil.virtual_memory().available // 4, _LARGEST))
