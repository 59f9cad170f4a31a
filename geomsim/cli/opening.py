"""What a path on the command line stands for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import Parameter

from geomsim.errors import GeomsimError, InvalidConfig, InvalidText
from geomsim.space import Space
from geomsim.study_spaces import open_space as open_path

if TYPE_CHECKING:
    from geomsim.activations.text_streams import DocumentStream

STANDARD_LIBRARY = "python"
DATASET = "dataset:"


def open_space(path: Path, device: str = "cpu") -> Space:
    """What :func:`geomsim.study_spaces.open_space` gives, on a device."""
    space = open_path(path)
    if device == "cpu":
        return space
    try:
        points = space.tensor().to(device)
    except (RuntimeError, AssertionError) as error:
        raise GeomsimError(f"device {device!r} cannot be used: {error}") from None
    return Space(points, space.ids, space.groups, space.name, space.provenance)


def check_folder(path: Path | None) -> None:
    """Raise InvalidConfig where results cannot go to this folder, before work is done for nothing."""
    if path is not None and path.exists() and not path.is_dir():
        raise InvalidConfig(f"{path} is a file; results go to a folder, so name another with --out")


@Parameter(name="*")
@dataclass(frozen=True)
class TextOptions:
    """Which part of a text is read, and where the documents are in it; the same for every verb that reads text.

    Parameters
    ----------
    pattern
        which files of a folder: `**/*.py`.
    column
        of a table or data set: where the text is.
    name_column
        where the names of the documents are; rows are numbered without it.
    split
        of a data set: `train`, `test`.
    subset
        of a data set that has several (also called its configuration).
    documents
        the first so many documents alone.
    """

    pattern: str = "**/*"
    column: str = "text"
    name_column: str | None = None
    split: str = "train"
    subset: str | None = None
    documents: int | None = None


def open_text(source: str, options: TextOptions) -> DocumentStream:
    """A stream of documents, nothing of which has been read: what `--text` names.

    A file or folder of text, Parquet or JSON lines; ``dataset:NAME``, a Hugging Face data set of the hub or a directory
    that ``save_to_disk`` wrote; or ``python``, the held-out part of the standard library.
    """
    from geomsim.activations.text_streams import DocumentStream, load_dataset_documents, stream_documents

    if not source.removeprefix(DATASET).strip():
        raise InvalidText(f"--text {source!r} names no text: give a file, a folder, python, or dataset:NAME")
    if source == STANDARD_LIBRARY:
        from geomsim.activations.standard_library import standard_library_documents

        stream = DocumentStream.of(lambda: standard_library_documents("held-out"), called=source)
    elif source.startswith(DATASET):
        name = source.removeprefix(DATASET)
        stream = load_dataset_documents(
            name, options.column, options.name_column, split=options.split, subset=options.subset
        )
    else:
        saved = [file for file in ("state.json", "dataset_dict.json") if (Path(source) / file).exists()]
        if saved:
            raise InvalidText(
                f"{source}: a data set that save_to_disk wrote ({saved[0]}): read it as {DATASET}{source}"
            )
        stream = stream_documents(Path(source), options.pattern, column=options.column, name_column=options.name_column)
    return stream if options.documents is None else stream.first(options.documents)
