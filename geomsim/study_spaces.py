"""The space that a path stands for: a file of points, or a sparse autoencoder, whose decoder rows are the points."""

from __future__ import annotations

from pathlib import Path

from geomsim.digests import digest_of
from geomsim.errors import InvalidSpace
from geomsim.space import Space

_DIGEST = 16  # characters


def open_space(path: Path, called: str = "") -> Space:
    """A space from a file of points, or the unit decoder rows of a dictionary from its directory or file of weights.

    Parameters
    ----------
    path
        .npy, .npz or .safetensors, or the directory of a sparse autoencoder.
    called
        the path as the provenance names it, by default as it is.

    Raises
    ------
    InvalidSpace
        where there is no such file, it cannot be read, or the directory holds codes.
    InvalidModel
        where a directory holds no dictionary that can be read.
    """
    from geomsim.activations.dictionary_formats import holds_dictionary

    called = called or str(path)
    if (path / "manifest.json").exists():
        raise InvalidSpace(
            f"{path} holds codes, not points: `geomsim pair` pairs them with others, and the dictionaries that made "
            "them are compared by that pairing"
        )
    if path.is_dir() or holds_dictionary(path):
        from geomsim.activations.dictionary import read_dictionary

        dictionary = read_dictionary(path)
        name = dictionary.name or path.name
        return _known(Space(dictionary.directions, name=name, provenance={"dictionary": called}))
    return _known(Space(path, provenance={"file": called}))


def _known(space: Space) -> Space:
    """The space, with a digest of its points in the provenance: a file may change under its name."""
    digest = digest_of(space.numpy())[:_DIGEST]
    return Space(space.points, space.ids, space.groups, space.name, {**space.provenance, "points": digest})
