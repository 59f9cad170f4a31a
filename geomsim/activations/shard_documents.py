"""Which documents each shard of codes on disk holds: codes are counted shard by shard only where both hold the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geomsim.activations.codes_reader import n_shards, open_shard, read_manifest
from geomsim.errors import InvalidCodes


def first_documents(folder: str | Path) -> list[int] | None:
    """The number of the first document of each shard, for ``Codes.save(..., shard_documents=)``.

    None where the codes were not read from text document by document, so that nobody knows.
    """
    firsts = [shard["first_document"] for shard in read_manifest(folder)["shards"]]
    return None if any(first is None for first in firsts) else firsts


def refuse_unlike_shards(left_folder: str | Path, right_folder: str | Path) -> None:
    """Check before anything is counted that shard k of both holds the same documents, and no document is in two.

    Costs one look at the manifests where codes were read from text, else at the documents of all tokens. Codes without
    documents are not checked.

    Raises
    ------
    InvalidCodes
        naming the shards, when they cannot be counted in pairs.
    """
    folders = Path(left_folder), Path(right_folder)
    totals = [n_shards(folder) for folder in folders]
    how = (
        "shards are counted in pairs and must hold the same documents: read both from one text with the same options, "
        "or save both with the same shard_documents (`geomsim words` does; shard_documents=[0] makes one shard)"
    )
    if totals[0] != totals[1]:
        raise InvalidCodes(f"{folders[0]} has {totals[0]} shards and {folders[1]} {totals[1]}; {how}")
    starts = [first_documents(folder) for folder in folders]
    if starts[0] is not None and starts[0] == starts[1]:
        return
    shard_of: dict[tuple[Path | None, int], tuple[int, Path]] = {}
    for shard in range(totals[0]):
        for folder in folders:
            codes = open_shard(folder, shard, verify=False)
            # Without a token table each side may number its groups in its own way.
            whose = folder if codes.tokens is None else None
            for document in [] if codes.groups is None else np.unique(codes.groups).tolist():
                other, where = shard_of.setdefault((whose, document), (shard, folder))
                if other != shard:
                    raise InvalidCodes(
                        f"document {document} is in shard {other} of {where} and in shard {shard} of {folder}; {how}"
                    )
