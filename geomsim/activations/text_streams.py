"""Documents that are read while they are needed: from files, folders, Parquet, JSON lines, Hugging Face data sets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from pathlib import Path
from typing import Any, NamedTuple

from geomsim.activations.text import Document, files_at, utf8_pieces
from geomsim.activations.text_cuts import DocumentPieces, cut_document
from geomsim.activations.text_rows import PARQUET, is_table, open_parquet, rows_of_dataset, rows_of_file
from geomsim.errors import InvalidConfig, InvalidText


class TextSize(NamedTuple):
    """How many documents a text has and how many bytes it takes, about; None where only reading it would tell."""

    documents: int | None = None
    bytes: int | None = None


class DocumentStream:
    """Documents that are read anew each time they are iterated over, one at a time.

    Iterating gives the documents that :func:`geomsim.activations.write_codes` reads by default: long ones in parts (see
    :mod:`geomsim.activations.text_cuts`), of which no more than one is held.
    """

    def __init__(
        self, opened: Callable[[], Iterator[DocumentPieces]], size: Callable[[], TextSize] = TextSize, called: str = ""
    ) -> None:
        self._opened = opened
        self._size = size
        self.called = called

    @classmethod
    def of(cls, documents: Callable[[], Sequence[Document]], called: str = "") -> DocumentStream:
        """A stream of documents that a function gives; it is called each time."""

        def size() -> TextSize:
            found = documents()
            return TextSize(len(found), sum(len(document.text) for document in found))

        return cls(lambda: (DocumentPieces(one.name, [one.text]) for one in documents()), size, called)

    def __iter__(self) -> Iterator[Document]:
        for document in self._opened():
            yield from cut_document(document)

    def __repr__(self) -> str:
        return f"DocumentStream({self.called})"

    def pieces(self) -> Iterator[DocumentPieces]:
        """The documents uncut, the text of each piece by piece."""
        return self._opened()

    def size(self) -> TextSize:
        """What can be said without reading the text."""
        return self._size()

    def first(self, n: int) -> DocumentStream:
        """The first `n` documents alone; no more of the text than these is read."""
        if n < 1:
            raise InvalidConfig(f"{n} documents were asked for; at least 1 is needed")

        def size() -> TextSize:
            documents, in_bytes = self._size()
            if documents is None:
                return TextSize()
            return TextSize(min(n, documents), in_bytes if n >= documents else None)

        called = f"first {n} documents of {self.called}"
        return DocumentStream(lambda: itertools.islice(self._opened(), n), size, called)


def stream_documents(
    path: str | Path, pattern: str = "**/*", *, column: str = "text", name_column: str | None = None
) -> DocumentStream:
    """The documents of a file or a folder, read one at a time.

    Parameters
    ----------
    path
        a UTF-8 text file (one document); a Parquet file or one of JSON lines (``.parquet``, ``.jsonl``,
        ``.jsonl.gz``: one document per row); or a folder of text files, or of such tables.
    pattern
        which files of a folder, as in :meth:`pathlib.Path.glob`. Files and folders whose name begins with a dot are
        left out.
    column, name_column
        of a table: where its text is, and where the names of the documents are. Without `name_column` a document is
        named by its file and its row, counted from 0: ``part.jsonl:17``. Empty lines between JSON lines are no rows.

    Raises
    ------
    InvalidText
        at once: where nothing is there, no file fits the pattern, or a folder mixes tables and other files;
        while iterating, naming file and row, line or byte: no UTF-8, no JSON, a missing column, a row without text.
    """
    files = files_at(path, pattern)
    tables = [file for file in files.values() if is_table(file)]
    if tables and len(tables) < len(files):
        suffix = "".join(tables[0].suffixes[-2:] if tables[0].suffix == ".gz" else tables[0].suffixes[-1:])
        raise InvalidText(
            f"{path}: {len(tables)} of {len(files)} files are tables of rows ({tables[0].name}, ...) and the others "
            f"are not; choose by a pattern, '**/*{suffix}' say (--pattern on the command line)"
        )

    def opened() -> Iterator[DocumentPieces]:
        for name, file in files.items():
            if tables:
                yield from rows_of_file(file, name, column, name_column)
            else:
                yield DocumentPieces(name, utf8_pieces(file))

    return DocumentStream(opened, lambda: _size_of(list(files.values()), column), str(path))


def documents_from_dataset(
    dataset: Iterable[Any], column: str = "text", name_column: str | None = None, limit: int | None = None
) -> DocumentStream:
    """The documents of any iterable of mappings, among them Hugging Face data sets, streaming ones too.

    Parameters
    ----------
    dataset
        gives one mapping from column to value per document; an iterator can be read once only.
    column, name_column
        where the text is, and where the names are; without names documents are numbered from 0.
    limit
        read the first so many rows.

    Raises
    ------
    InvalidText
        while iterating, naming the row: a missing column, a row without text, a row that is no mapping.

    >>> list(documents_from_dataset([{"text": "to be", "id": 7}], name_column="id"))
    [Document(name='7', text='to be')]
    """
    length = len(dataset) if isinstance(dataset, Sized) else None
    stream = DocumentStream(
        lambda: rows_of_dataset(dataset, column, name_column), lambda: TextSize(length), type(dataset).__name__
    )
    return stream if limit is None else stream.first(limit)


def load_dataset_documents(
    name: str, column: str = "text", name_column: str | None = None, *, split: str = "train", subset: str | None = None
) -> DocumentStream:
    """A data set of the hub, streamed, or one that ``save_to_disk`` wrote; loaded when the first document is needed.

    Raises InvalidText, while iterating, where there is no such data set, split or subset.
    """
    called = f"data set {name}" + (f", {subset}" if subset else "") + f", split {split}"

    def opened() -> Iterator[DocumentPieces]:
        return rows_of_dataset(_load(name, split, subset, called), column, name_column)

    return DocumentStream(opened, called=called)


def _load(name: str, split: str, subset: str | None, called: str) -> Iterable[Any]:
    try:
        import datasets
    except ImportError as error:
        raise InvalidText("reading a Hugging Face data set needs the package datasets: pip install datasets") from error
    folder = Path(name)
    saved = any((folder / file).exists() for file in ("state.json", "dataset_dict.json"))
    try:
        if not saved:
            found: Iterable[Any] = datasets.load_dataset(name, subset, split=split, streaming=True)
            return found
        loaded = datasets.load_from_disk(name)
    except Exception as error:  # the library raises those of its file systems and of the network
        reason = str(error).strip().split("\n")[0]
        raise InvalidText(f"{called}: it could not be read ({type(error).__name__}: {reason})") from error
    if isinstance(loaded, dict):
        if split not in loaded:
            raise InvalidText(f"{called}: there is no such split; there are {', '.join(loaded)}")
        loaded = loaded[split]
    rows: Iterable[Any] = loaded
    return rows


def _size_of(files: list[Path], column: str) -> TextSize:
    documents, in_bytes = 0, 0
    for file in files:
        if not is_table(file):
            documents, in_bytes = documents + 1, in_bytes + file.stat().st_size
        elif file.name.lower().endswith(PARQUET):
            described = open_parquet(file).metadata
            documents += described.num_rows
            groups = [described.row_group(number) for number in range(described.num_row_groups)]
            chunks = [group.column(place) for group in groups for place in range(group.num_columns)]
            in_bytes += sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema == column)
        else:
            # The other columns are in these bytes too, so this is the most that the text can take.
            return TextSize(None, _most_bytes(files))
    return TextSize(documents, in_bytes)


def _most_bytes(files: list[Path]) -> int | None:
    return None if any(file.suffix == ".gz" for file in files) else sum(file.stat().st_size for file in files)
