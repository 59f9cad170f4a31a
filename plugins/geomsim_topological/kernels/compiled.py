"""Loops as machine code. Modules that use these decorators are imported late: they import numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function as machine code, made at its first call and kept on disk where a folder can be written.

    It lets go of the interpreter, so threads run it side by side. Sums are added up as written.
    """
    return _compiled(function, {})


def compiled_in_lanes(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Like :func:`compiled`, but sums may be taken in several lanes: faster, and rounded otherwise."""
    return _compiled(function, {"fastmath": {"reassoc", "contract", "nsz"}})


def _compiled(function: Callable[Arguments, Result], options: dict[str, Any]) -> Callable[Arguments, Result]:
    import numba

    options = {"nogil": True, "error_model": "numpy", **options}
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # neither this folder nor the user's cache can be written
        return numba.njit(**options)(function)  # type: ignore[no-any-return]
