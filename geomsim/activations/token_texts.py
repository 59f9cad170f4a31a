"""The text behind a token table, checked to be the one that was read."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from geomsim.activations.codes import Codes
from geomsim.activations.text import Document, text_hash
from geomsim.activations.text_cuts import DocumentParts
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes, InvalidText


def texts_read(codes: Codes, documents: Iterable[Document]) -> tuple[TokenTable, list[str]]:
    """The token table of the codes, and the text of each of its documents in its order; other documents are ignored.

    Documents that were cut into parts when they were read are cut in the same way.

    Raises
    ------
    InvalidCodes
        where the codes have no token table, a document that was read is not given, a token lies beyond the end of
        its document, or (where the table knows the hash) the text is another one.
    InvalidText
        where something else than documents is given.
    """
    tokens = codes.tokens
    if tokens is None:
        raise InvalidCodes(f"{codes!r} have no token table: nobody knows which text their rows belong to")
    listed = list(documents)
    if other := [document for document in listed if not isinstance(document, Document)]:
        raise InvalidText(
            f"a {type(other[0]).__name__} was given as a document; documents_from_strings makes documents"
        )
    given = {document.name: document.text for document in listed}
    missing = [name for name in tokens.documents if name not in given]
    if missing and (longest := dict(codes.provenance.get("options") or {}).get("longest")):
        given = {part.name: part.text for _, part in DocumentParts(listed, int(longest))}
        missing = [name for name in missing if name not in given]
    if missing:
        raise InvalidCodes(
            f"document {missing[0]!r} was read but is not among the {len(listed)} documents given "
            f"({len(missing)} of {len(tokens.documents)} are missing); give those that were read"
        )
    texts = [given[name] for name in tokens.documents]
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    beyond = tokens.end > lengths[tokens.document]
    if beyond.any():
        row = int(beyond.argmax())
        document = int(tokens.document[row])
        raise InvalidCodes(
            f"token {row} spans characters {tokens.start[row]} to {tokens.end[row]} of {tokens.documents[document]!r}, "
            f"which has {lengths[document]}; this is not the text that was read"
        )
    if tokens.text_hash:
        found = text_hash(Document(name, text) for name, text in zip(tokens.documents, texts, strict=True))
        if found != tokens.text_hash:
            raise InvalidCodes(
                f"the documents given have the names of those that were read, but not their text (hash {found[:12]}, "
                f"the codes are of {tokens.text_hash[:12]}); was a file changed since?"
            )
    return tokens, texts


def token_text(tokens: TokenTable, texts: list[str], row: int) -> str:
    """The characters of one token, as they stand in the text."""
    return texts[int(tokens.document[row])][int(tokens.start[row]) : int(tokens.end[row])]


def token_strings(codes: Codes, documents: Iterable[Document]) -> list[str]:
    """The characters of each token of the codes, as they stand in the text. Raises as :func:`texts_read` does."""
    tokens, texts = texts_read(codes, documents)
    spans = zip(tokens.document.tolist(), tokens.start.tolist(), tokens.end.tolist(), strict=True)
    return [texts[document][start:end] for document, start, end in spans]
