"""Long documents in parts, and documents gathered into shards; both depend on the text alone, so that all models agree.

A document of more than `longest` characters is cut at the last line end in the second half of what fits, where there
is none at the last white space, else anywhere but before a combining character. Its parts are documents of their own,
``name#1``, ``name#2``, ..., so that no document needs more memory than `longest` allows.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from geomsim.activations.text import Document, TextHash, differently_named, text_hash
from geomsim.errors import InvalidConfig

LONGEST = 2**20
SHARD_CHARACTERS = 2**18


@dataclass(frozen=True)
class DocumentPieces:
    """A document whose text comes piece by piece, so that it need not be held as a whole."""

    name: str
    pieces: Iterable[str]


def cut_document(document: DocumentPieces, longest: int | None = LONGEST) -> Iterator[Document]:
    """The document itself, or its parts where it is longer than `longest` characters (None: it never is).

    >>> [part.name for part in cut_document(DocumentPieces("a", ["one\\ntwo\\n"]), 5)]
    ['a#1', 'a#2']
    """
    if longest is None:
        yield Document(document.name, "".join(document.pieces))
        return
    number, text = 0, ""
    for piece in document.pieces:
        text += piece
        begin = 0
        while len(text) - begin > longest:
            end = _cut_at(text, begin, longest)
            number += 1
            yield Document(f"{document.name}#{number}", text[begin:end])
            begin = end
        text = text[begin:]
    yield Document(f"{document.name}#{number + 1}" if number else document.name, text)


class DocumentParts:
    """Documents in parts, one after another, and what was read so far: hash, names, counts.

    Iterate once. Each part comes with the number of whole documents up to and with the one that it is of.

    Raises
    ------
    InvalidConfig
        where `longest` is below 1.
    InvalidText
        while iterating: two documents of one name, half of a surrogate pair.
    """

    def __init__(self, documents: Iterable[Document] | Iterable[DocumentPieces], longest: int | None = LONGEST) -> None:
        if longest is not None and longest < 1:
            raise InvalidConfig(f"longest is {longest}; a document part needs at least 1 character (None cuts nothing)")
        self._documents = documents
        self._longest = longest
        self._hash = TextHash()
        self._whole = 0
        self.names: list[str] = []
        self.cut = 0

    def __iter__(self) -> Iterator[tuple[int, Document]]:
        for part in differently_named(self._parts()):
            self._hash.add(part)
            self.names.append(part.name)
            yield self._whole, part

    @property
    def text_hash(self) -> str:
        """:func:`geomsim.activations.text.text_hash` of the parts so far."""
        return self._hash.hexdigest()

    def _parts(self) -> Iterator[Document]:
        for document in self._documents:
            self._whole += 1
            if isinstance(document, Document):
                document = DocumentPieces(document.name, _slices(document.text, self._longest))
            for number, part in enumerate(cut_document(document, self._longest)):
                self.cut += number == 1
                yield part


@dataclass(frozen=True, eq=False)
class DocumentShard:
    """Documents that are read together and whose codes share a file.

    Parameters
    ----------
    number, first_document
        of the shard, and of its first document, both from 0.
    documents, documents_hash
        what is read, and :func:`geomsim.activations.text.text_hash` of it.
    whole
        for each document, how many whole documents (not parts) there are up to it.
    """

    number: int
    first_document: int
    documents: list[Document] = field(repr=False)
    documents_hash: str
    whole: list[int] = field(repr=False)


def document_shards(
    parts: Iterable[tuple[int, Document]], shard_characters: int = SHARD_CHARACTERS
) -> Iterator[DocumentShard]:
    """Runs of documents, each as short as it can be to hold at least `shard_characters`; the last may hold fewer."""
    if shard_characters < 1:
        raise InvalidConfig(f"shard_characters is {shard_characters}; at least 1 is needed")
    return _gathered(parts, shard_characters)


def _gathered(parts: Iterable[tuple[int, Document]], shard_characters: int) -> Iterator[DocumentShard]:
    number = first = characters = 0
    held: list[tuple[int, Document]] = []
    for part in parts:
        held.append(part)
        characters += len(part[1].text)
        if characters >= shard_characters:
            yield _shard(number, first, held)
            number, first, characters, held = number + 1, first + len(held), 0, []
    if held:
        yield _shard(number, first, held)


def _shard(number: int, first: int, held: list[tuple[int, Document]]) -> DocumentShard:
    documents = [document for _, document in held]
    return DocumentShard(number, first, documents, text_hash(documents), [whole for whole, _ in held])


def _slices(text: str, longest: int | None) -> Iterator[str]:
    size = max(longest or 0, LONGEST)
    return (text[begin : begin + size] for begin in range(0, len(text), size))


def _cut_at(text: str, begin: int, longest: int) -> int:
    """Where a part that begins at `begin` ends, at most `longest` characters on; `text` goes on beyond."""
    half, end = begin + longest // 2, begin + longest
    line = text.rfind("\n", half, end)
    if line >= 0:
        return line + 1
    for last in range(end - 1, half - 1, -1):
        if text[last].isspace() and not _belong_together(text[last], text[last + 1]):
            return last + 1
    for place in range(end, max(half, begin), -1):
        if not _belong_together(text[place - 1], text[place]):
            return place
    return end


def _belong_together(character: str, following: str) -> bool:
    return (
        unicodedata.category(following) in ("Mn", "Mc", "Me")  # accents, vowel signs, variation selectors
        or "\u200d" in (character, following)  # the joiner of emoji
        or "\U0001f3fb" <= following <= "\U0001f3ff"  # skin tones
        or (character, following) == ("\r", "\n")
    )
