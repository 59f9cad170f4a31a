"""Text to codes on disk: time and peak memory at three sizes of text, beside reading the same codes into memory.

The held-out files of the standard library, once, twice and four times, as rows of one JSON Lines file, are read by the
shipped model `left` with the dictionaries of both its blocks. Each number is of a process of its own, and its peak
memory that of the whole process; "before" is the peak once all is loaded and a short text has been read. "In memory" is
`read_codes` on the same text.
"Resume" is the same command again, when all shards are there: the text streams past them, and every byte is hashed.

python benchmarks/streaming.py          # sizes 1, 2, 4
python benchmarks/streaming.py 0.02 0.04
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from geomsim.activations.dictionary import read_dictionary
from geomsim.activations.reading import read_codes, write_codes
from geomsim.activations.standard_library import standard_library_documents
from geomsim.activations.text import documents_from_strings
from geomsim.activations.text_streams import stream_documents
from geomsim.activations.transformers_source import TransformersSource
from geomsim.parallel import cores

MODEL = Path(__file__).parent.parent / "examples" / "code_models" / "left"
SIZES = ("1", "2", "4")
HEADS = (
    "text", "documents", "characters", "tokens", "shards", "on disk, MiB", "seconds", "tokens a second",
    "resume, s", "peak, MiB", "of which before, MiB", "peak in memory, MiB",
)  # fmt: skip


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def write_text(file: Path, times: float) -> None:
    """The documents so many times over; of a size below 1 the first part."""
    documents = standard_library_documents("held-out")
    whole, part = divmod(round(times * len(documents)), len(documents))
    with file.open("w", encoding="utf-8") as stream:
        for copy, count in enumerate([len(documents)] * whole + [part]):
            for document in documents[:count]:
                stream.write(json.dumps({"name": f"{copy}/{document.name}", "text": document.text}) + "\n")


def measure(kind: str, file: Path, out: Path) -> None:
    """Print what one process measures, as JSON."""
    source = TransformersSource(MODEL)
    found = [read_dictionary(folder) for folder in sorted((MODEL / "saes").iterdir())]
    dictionaries = {str(dictionary.site): dictionary for dictionary in found}
    read_codes(source, documents_from_strings(["import this\n" * 2000]), dictionaries)
    before, started = peak(), time.perf_counter()
    stream = stream_documents(file, name_column="name")
    if kind == "memory":
        read_codes(source, stream, dictionaries)
    else:
        folders = {site: out / site.replace(":", "_") for site in dictionaries}
        write_codes(source, stream, dictionaries, folders, resume=kind == "resume")
    print(json.dumps({"seconds": time.perf_counter() - started, "before": before, "peak": peak()}))


def row(times: str, folder: Path) -> str:
    file, out = folder / f"{times}.jsonl", folder / times
    write_text(file, float(times))
    measured = {}
    for kind in ("disk", "resume", "memory"):
        command = [sys.executable, __file__, kind, str(file), str(out)]
        measured[kind] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    manifest = json.loads((out / "residual_0" / "manifest.json").read_text())
    characters = sum(len(document.text) for document in stream_documents(file))
    disk = measured["disk"]
    on_disk = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    cells = (
        f"{times} x", f"{len(manifest['documents']):,}", f"{characters:,}", f"{manifest['n_tokens']:,}",
        str(len(manifest["shards"])), f"{on_disk / 2**20:.1f}", f"{disk['seconds']:.1f}",
        f"{manifest['n_tokens'] / disk['seconds']:,.0f}", f"{measured['resume']['seconds']:.2f}", f"{disk['peak']:.0f}",
        f"{disk['before']:.0f}", f"{measured['memory']['peak']:.0f}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] in ("disk", "resume", "memory"):
        measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
        return
    print(f"{cores()} cores\n\n| {' | '.join(HEADS)} |\n{'| --- ' * len(HEADS)}|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for times in sys.argv[1:] or SIZES:
            print(row(times, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
