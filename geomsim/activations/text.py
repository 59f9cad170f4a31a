"""Documents: the text that both models read."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from geomsim.errors import InvalidText

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Document:
    """One text and its name; documents are the blocks that a null keeps whole."""

    name: str
    text: str


def read_documents(path: str | Path, pattern: str = "**/*") -> list[Document]:
    """A text file as one document, or every file of a directory as one document each, in memory.

    :func:`geomsim.activations.text_streams.stream_documents` reads more kinds of files, and as much text as there is.

    Parameters
    ----------
    path
        a UTF-8 text file, named by its file name; or a directory, whose files are named by their posix
        path below it and come in the order of these names.
    pattern
        which files of a directory, as in :meth:`pathlib.Path.glob`: ``"**/*.txt"``, say. Files and folders
        whose name begins with a dot are left out.

    The text is kept as it is, line ends included, so character positions are those of the file.

    Raises
    ------
    InvalidText
        where nothing is there, no file fits the pattern, a link leads nowhere, or a file or its name is not UTF-8
        (names file and byte).
    """
    return [Document(name, "".join(utf8_pieces(file))) for name, file in files_at(path, pattern).items()]


def files_at(path: str | Path, pattern: str = "**/*") -> dict[str, Path]:
    """Files by the name that their documents bear: the file itself, or those of a directory in the order of names.

    Raises InvalidText where nothing is there, no file fits the pattern, a link leads nowhere, or a name is not UTF-8.
    """
    path = Path(path)
    if path.is_dir():
        found = {
            file.relative_to(path).as_posix(): file
            for file in path.glob(pattern)
            if not file.is_dir() and not any(part.startswith(".") for part in file.relative_to(path).parts)
        }
        for name, file in found.items():
            if not file.exists():
                raise InvalidText(f"{file}: the link leads to no file; remove it, or leave it out by a pattern")
            if not name.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in name):
                raise InvalidText(f"{path}: the name of the file {name!r} is not UTF-8; rename it")
        files = {name: file for name, file in found.items() if file.is_file()}
        if not files:
            raise InvalidText(f"{path}: no file fits the pattern {pattern!r}; give a folder that holds text files")
        return {name: files[name] for name in sorted(files)}
    if not path.exists():
        raise InvalidText(f"{path}: no such file or directory; text is read from a UTF-8 file or a folder of them")
    return {path.name: path}


def utf8_pieces(path: Path) -> Iterator[str]:
    """The text of a file, a piece at a time; InvalidText, naming file and byte, where it is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    done = 0  # bytes given to the decoder
    with path.open("rb") as stream:
        while True:
            data = stream.read(_PIECE_BYTES)
            begun = done - len(decoder.getstate()[0])  # where the first byte lies that is no character yet
            try:
                piece = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                raise InvalidText(
                    f"{path}: {not_utf8(error, begun)}; convert the file, or leave it out with a pattern"
                ) from None
            if not data:
                return
            done += len(data)
            yield piece


def not_utf8(error: UnicodeDecodeError, first: int = 0) -> str:
    """What is not UTF-8, with the byte's position where the decoded bytes begin at byte `first`."""
    return f"not UTF-8: byte {first + error.start} is 0x{error.object[error.start]:02x} ({error.reason})"


def documents_from_strings(texts: Iterable[str], names: Sequence[str] | None = None) -> list[Document]:
    """One document per string, named by `names` or numbered from 0.

    >>> documents_from_strings(["to be", "or not"])
    [Document(name='0', text='to be'), Document(name='1', text='or not')]
    """
    if isinstance(texts, str):
        raise InvalidText("one string was given where a list of strings is needed: write [text] for a single document")
    listed = list(texts)
    for number, text in enumerate(listed):
        if not isinstance(text, str):
            raise InvalidText(f"text {number} is a {type(text).__name__}, not a string")
    labels = [str(number) for number in range(len(listed))] if names is None else list(names)
    if len(labels) != len(listed):
        raise InvalidText(f"{len(listed)} texts but {len(labels)} names; one per text is needed")
    return checked_documents([Document(name, text) for name, text in zip(labels, listed, strict=True)])


def checked_documents(documents: Sequence[Document]) -> list[Document]:
    """The documents as a list, or InvalidText where there are none or two bear one name."""
    if not documents:
        raise InvalidText("no documents: give at least one text")
    return list(differently_named(documents))


def differently_named(documents: Iterable[Document]) -> Iterator[Document]:
    """The same documents; InvalidText at the second one of a name, and at what is no document."""
    seen: set[str] = set()
    for document in documents:
        if not isinstance(document, Document):
            raise InvalidText(
                f"a {type(document).__name__} was given as a document; documents_from_strings makes documents"
            )
        if document.name in seen:
            raise InvalidText(f"two documents are named {document.name!r}; names tell documents apart in every table")
        seen.add(document.name)
        yield document


class TextHash:
    """The sha256 of all names and texts in their order, each behind its length in bytes, document by document.

    >>> gradual = TextHash()
    >>> gradual.add(Document("n", "to be"))
    >>> gradual.hexdigest() == text_hash([Document("n", "to be")])
    True
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, document: Document) -> None:
        """Take one more document in; InvalidText where its text holds half of a surrogate pair."""
        for part in (document.name, document.text):
            try:
                data = part.encode("utf-8")
            except UnicodeEncodeError as error:
                raise InvalidText(
                    f"document {document.name!r}: character {error.start} is half of a surrogate pair and not text; "
                    "decode the text as UTF-8, or with errors='replace'"
                ) from None
            self._digest.update(len(data).to_bytes(8, "big"))
            self._digest.update(data)

    def hexdigest(self) -> str:
        """The hash of the documents so far, 64 hex digits."""
        return self._digest.hexdigest()


def text_hash(documents: Iterable[Document]) -> str:
    """The sha256 of all names and texts in their order, each behind its length in bytes, as 64 hex digits.

    Two models have read the same text exactly when these agree.
    """
    digest = TextHash()
    for document in documents:
        digest.add(document)
    return digest.hexdigest()
