"""Reading several places of a torch module in one forward pass that stops once all of them have been seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from geomsim.activations.windows import WindowBatch, one_token
from geomsim.errors import InvalidModel

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class Tap:
    """A module by its path, and which side of it is read: its output, or the first thing that goes in."""

    path: str
    side: Literal["output", "input"] = "output"


class _SeenEverything(Exception):
    """Raised inside the last hook, caught around the forward pass."""


def submodule(module: Module, path: str, site: str) -> Module:
    """The module at this path, or InvalidModel that shows the paths there are."""
    try:
        return module.get_submodule(path)
    except AttributeError:
        raise InvalidModel(
            f"site {site!r}: no module {path!r} in {type(module).__name__}; {paths_of(module)}"
        ) from None


def paths_of(module: Module) -> str:
    """A few words that list the module's paths, each numbered list shown by its first entry."""
    paths = [path for path, _ in module.named_modules() if path]
    shown = [path for path in paths if not any(part.isdigit() and part != "0" for part in path.split("."))]
    more = f" and {len(shown) - 40} more" if len(shown) > 40 else ""
    return f"its modules are {', '.join(shown[:40]) or '(none)'}{more}"


def read_taps(
    module: Module, taps: Mapping[str, Tap], batch: WindowBatch, forward: Callable[[Tensor, Tensor], object]
) -> dict[str, Tensor]:
    """The kept rows of one batch at every site: ``{site: (rows, width) float32}``, on the module's device.

    `forward` gets ids and mask, (windows, positions) int64, and must run `module` once. Modules after the last
    tapped one are not run. A module that is called several times in a pass is read at its first call.
    """
    import torch

    device = next((weights.device for weights in module.parameters()), torch.device("cpu"))
    rows = torch.from_numpy(batch.rows).to(device)
    found: dict[str, Tensor] = {}

    def keep(site: str, value: object) -> None:
        if site in found:
            return
        found[site] = picked_rows(value, rows, batch.ids.shape, site)
        if len(found) == len(taps):
            raise _SeenEverything

    def hook_for(site: str, side: str) -> Callable[..., None]:
        if side == "input":
            return lambda _module, inputs: keep(site, inputs)
        return lambda _module, _inputs, output: keep(site, output)

    handles = []
    try:
        for site, tap in taps.items():
            target, hook = submodule(module, tap.path, site), hook_for(site, tap.side)
            handles.append(
                target.register_forward_pre_hook(hook) if tap.side == "input" else target.register_forward_hook(hook)
            )
        with torch.no_grad(), evaluating(module):
            forward(torch.from_numpy(batch.ids).to(device), torch.from_numpy(batch.mask).long().to(device))
    except _SeenEverything:
        return found
    finally:
        for handle in handles:
            handle.remove()
    missing = ", ".join(f"{site!r} ({taps[site].path})" for site in taps if site not in found)
    raise InvalidModel(f"the forward pass never came to {missing}: that module is not called on plain text")


def width_at(module: Module, tap: Tap, site: str, forward: Callable[[Tensor, Tensor], object]) -> int:
    """The width of a site, found by running token 0 alone."""
    return int(read_taps(module, {site: tap}, one_token(), forward)[site].shape[1])


@contextmanager
def evaluating(module: Module) -> Iterator[None]:
    """Dropout and the like switched off, and each part's mode put back afterwards."""
    training = [part for part in module.modules() if part.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


def picked_rows(value: object, rows: Tensor, shape: tuple[int, ...], site: str) -> Tensor:
    """These places, of all windows flattened, of what comes out of a module, (rows, width) float32 and a copy."""
    import torch

    tensor = value[0] if isinstance(value, tuple | list) and value else value
    if not isinstance(tensor, torch.Tensor):
        raise InvalidModel(f"site {site!r}: a {type(tensor).__name__} comes here, where a tensor is needed")
    places = int(np.prod(shape))
    if tuple(tensor.shape[:2]) == tuple(shape) and tensor.ndim > 2:
        flat = tensor.flatten(0, 1).flatten(1)
    elif tensor.ndim == 2 and len(tensor) == places:
        flat = tensor
    else:
        raise InvalidModel(
            f"site {site!r}: its tensor is {tuple(tensor.shape)}, where (windows, positions, width) "
            f"= ({shape[0]}, {shape[1]}, width) is needed"
        )
    return flat.detach().index_select(0, rows.to(flat.device)).float()
