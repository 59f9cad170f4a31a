"""Documents: the text that both models read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from geomsim.errors import InvalidText


@dataclass(frozen=True)
class Document:
    """One text and its name; documents are the blocks that a null keeps whole."""

    name: str
    text: str


def read_documents(path: str | Path, pattern: str = "**/*") -> list[Document]:
    """A text file as one document, or every file of a directory as one document each.

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
        where nothing is there, no file fits the pattern, or a file is not UTF-8 (names file and byte).
    """
    path = Path(path)
    if path.is_dir():
        files = {
            file.relative_to(path).as_posix(): file
            for file in path.glob(pattern)
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
        }
        if not files:
            raise InvalidText(f"{path}: no file fits the pattern {pattern!r}; give a folder that holds text files")
        return [Document(name, _read_utf8(files[name])) for name in sorted(files)]
    if not path.exists():
        raise InvalidText(f"{path}: no such file or directory; text is read from a UTF-8 file or a folder of them")
    return [Document(path.name, _read_utf8(path))]


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
    seen: set[str] = set()
    for document in documents:
        if document.name in seen:
            raise InvalidText(f"two documents are named {document.name!r}; names tell documents apart in every table")
        seen.add(document.name)
    return list(documents)


def text_hash(documents: Iterable[Document]) -> str:
    """The sha256 of all names and texts in their order, each behind its length in bytes, as 64 hex digits.

    Two models have read the same text exactly when these agree.
    """
    digest = hashlib.sha256()
    for document in documents:
        for part in (document.name, document.text):
            try:
                data = part.encode("utf-8")
            except UnicodeEncodeError as error:
                raise InvalidText(
                    f"document {document.name!r}: character {error.start} is half of a surrogate pair and not text; "
                    "decode the text as UTF-8, or with errors='replace'"
                ) from None
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
    return digest.hexdigest()


def _read_utf8(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidText(
            f"{path}: not UTF-8: byte {error.start} is 0x{data[error.start]:02x} ({error.reason}); "
            "convert the file, or leave it out with a pattern"
        ) from None
