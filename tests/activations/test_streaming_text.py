from __future__ import annotations

import gzip
import itertools
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geomsim.activations import text as text_module
from geomsim.activations.text import Document, read_documents
from geomsim.activations.text_streams import (
    TextSize,
    documents_from_dataset,
    load_dataset_documents,
    stream_documents,
)
from geomsim.errors import InvalidConfig, InvalidText

TEXTS = ["to be", "", "or not\n", "één 🙂"]
ROWS = [{"text": text, "id": f"n{number}", "more": 1.5, "flag": True} for number, text in enumerate(TEXTS)]


def write_lines(file, rows):
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
    return file


def write_parquet(file, rows, **options):
    pq.write_table(pa.Table.from_pylist(rows), file, **options)
    return file


@pytest.fixture(params=[".parquet", ".jsonl", ".jsonl.gz"])
def table(request, tmp_path):
    file = tmp_path / f"part{request.param}"
    return (write_parquet if request.param == ".parquet" else write_lines)(file, ROWS)


def test_rows_are_documents_each_time_anew(table):
    stream = stream_documents(table)
    expected = [Document(f"{table.name}:{row}", text) for row, text in enumerate(TEXTS)]
    assert list(stream) == list(stream) == expected
    assert list(stream_documents(table, name_column="id")) == [
        Document(f"n{row}", text) for row, text in enumerate(TEXTS)
    ]
    assert [document.text for document in stream_documents(table, column="id")] == ["n0", "n1", "n2", "n3"]
    assert list(stream.first(2)) == expected[:2]
    assert list(stream.first(100)) == expected


def test_a_column_that_is_not_there_is_named_beside_those_that_are(table):
    with pytest.raises(InvalidText, match=r"part.*no column 'body'; there are 'text', 'id', 'more', 'flag'"):
        list(stream_documents(table, column="body"))
    with pytest.raises(InvalidText, match="no column 'title'"):
        list(stream_documents(table, name_column="title"))
    with pytest.raises(InvalidText, match="column 'more' is a float, not text"):
        list(stream_documents(table, column="more"))
    with pytest.raises(InvalidText, match="column 'flag' is a bool; a name"):
        list(stream_documents(table, name_column="flag"))
    with pytest.raises(InvalidText, match="column 'more' is a float; a name is text or a whole number"):
        list(stream_documents(table, name_column="more"))


@pytest.mark.parametrize("write", [write_lines, write_parquet])
def test_a_row_without_text_is_named(tmp_path, write):
    file = write(tmp_path / ("a.jsonl" if write is write_lines else "a.parquet"), [*ROWS, {**ROWS[0], "text": None}])
    stream = iter(stream_documents(file))
    assert len(list(itertools.islice(stream, 4))) == 4
    with pytest.raises(InvalidText, match=rf"{file.name}.*row 4: column 'text' is null, not text"):
        next(stream)


def test_folders_of_tables_are_read_in_the_order_of_names(tmp_path):
    write_parquet(tmp_path / "b.parquet", ROWS[:1])
    (tmp_path / "a").mkdir()
    write_parquet(tmp_path / "a" / "z.parquet", ROWS[1:3], row_group_size=1)
    stream = stream_documents(tmp_path)
    assert [document.name for document in stream] == ["a/z.parquet:0", "a/z.parquet:1", "b.parquet:0"]
    documents, in_bytes = stream.size()
    assert documents == 3
    assert in_bytes > 0
    (tmp_path / "README.md").write_text("about")
    with pytest.raises(InvalidText, match=r"2 of 3 files are tables .*choose by a pattern, '\*\*/\*\.parquet'"):
        stream_documents(tmp_path)
    assert len(list(stream_documents(tmp_path, "**/*.parquet"))) == 3
    assert list(stream_documents(tmp_path, "*.md")) == [Document("README.md", "about")]


def test_text_files_are_those_of_read_documents(tmp_path):
    for name in ("b.txt", "a/c.txt", ".hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(f"{name} é\r\n".encode())
    assert list(stream_documents(tmp_path)) == read_documents(tmp_path)
    assert list(stream_documents(tmp_path / "b.txt")) == read_documents(tmp_path / "b.txt")
    assert stream_documents(tmp_path).size() == TextSize(2, 7 + 5 + 2 * 5)
    assert stream_documents(tmp_path).first(1).size() == TextSize(1, None)
    with pytest.raises(InvalidText, match="no such file"):
        stream_documents(tmp_path / "absent")
    with pytest.raises(InvalidConfig, match="0 documents were asked for"):
        stream_documents(tmp_path).first(0)


def test_sizes_are_unknown_where_only_reading_would_tell(tmp_path):
    lines = write_lines(tmp_path / "a.jsonl", ROWS)
    assert stream_documents(lines).size() == TextSize(None, lines.stat().st_size)
    assert stream_documents(write_lines(tmp_path / "a.jsonl.gz", ROWS)).size() == TextSize(None, None)
    assert documents_from_dataset(ROWS).size() == TextSize(4, None)
    assert documents_from_dataset(iter(ROWS)).size() == TextSize(None, None)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize(
    ("data", "position", "byte"),
    [
        (b"fine\xff", 4, "ff"),
        ("éé€🙂".encode() + b"\xc3(", 11, "c3"),
        (("🙂" * 3).encode()[:-1], 8, "f0"),
        (b"abcdefg\xe2\x82", 7, "e2"),
    ],
)
def test_invalid_utf8_is_placed_right_whatever_the_pieces(tmp_path, monkeypatch, data, position, byte, piece):
    monkeypatch.setattr(text_module, "_PIECE_BYTES", piece)
    (tmp_path / "bad.txt").write_bytes(data)
    with pytest.raises(InvalidText, match=rf"bad\.txt: not UTF-8: byte {position} is 0x{byte} "):
        list(stream_documents(tmp_path))
    (tmp_path / "bad.txt").write_bytes(data[:position])
    assert next(iter(stream_documents(tmp_path))).text == data[:position].decode()


def test_faults_in_json_lines_are_placed(tmp_path):
    file = tmp_path / "a.jsonl"
    good = b'{"text": "a"}\n'
    for bad, said in (
        (b'{"text": \n', r"a\.jsonl:3: not JSON"),
        (b'["a"]\n', r"a\.jsonl:3: a JSON list where an object"),
        (b'{"text": "\xe9"}\n', r"a\.jsonl:3: not UTF-8: byte 25 is 0xe9"),
    ):
        file.write_bytes(good + b"\n" + bad)
        with pytest.raises(InvalidText, match=said):
            list(stream_documents(file))
    file.write_bytes(good + b"\n  \n" + good)
    assert [document.name for document in stream_documents(file)] == ["a.jsonl:0", "a.jsonl:1"]
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(good * 1000)[:-12])
    with pytest.raises(InvalidText, match=r"b\.jsonl\.gz: damaged gzip after line"):
        list(stream_documents(packed))
    packed.write_bytes(good)
    with pytest.raises(InvalidText, match=r"b\.jsonl\.gz: damaged gzip after line 0"):
        list(stream_documents(packed))


def test_damaged_parquet_is_named(tmp_path):
    file = write_parquet(tmp_path / "a.parquet", ROWS * 5000, row_group_size=2000)
    data = file.read_bytes()
    file.write_bytes(data[:-20])
    with pytest.raises(InvalidText, match=r"a\.parquet: not a readable Parquet file"):
        list(stream_documents(file))
    column = pa.array([b"a", b"\xff"]).view(pa.string())
    pq.write_table(pa.table({"text": column}), file)
    with pytest.raises(InvalidText, match=r"a\.parquet: row 1: not UTF-8: byte 0 is 0xff"):
        list(stream_documents(file))


def test_data_sets_of_the_library(tmp_path):
    datasets = pytest.importorskip("datasets")
    held = datasets.Dataset.from_list(ROWS)
    expected = [Document(f"n{row}", text) for row, text in enumerate(TEXTS)]
    streaming = held.to_iterable_dataset(num_shards=2)
    assert isinstance(streaming, datasets.IterableDataset)
    for dataset in (held, streaming, ROWS, iter(ROWS)):
        assert list(documents_from_dataset(dataset, name_column="id")) == expected
    assert list(documents_from_dataset(streaming, limit=2)) == [Document("0", "to be"), Document("1", "")]
    with pytest.raises(
        InvalidText, match="row 0 of the data set: no column 'body'; there are 'text', 'id', 'more', 'flag'"
    ):
        list(documents_from_dataset(streaming, column="body"))
    splits = datasets.DatasetDict({"train": held, "test": held.select([0])})
    with pytest.raises(InvalidText, match=r"row 0 of the data set is a str.*several splits\? choose one"):
        list(documents_from_dataset(splits))
    splits.save_to_disk(tmp_path / "splits")
    held.save_to_disk(tmp_path / "one")
    assert list(load_dataset_documents(str(tmp_path / "one"), name_column="id")) == expected
    assert list(load_dataset_documents(str(tmp_path / "splits"), split="test")) == [Document("0", "to be")]
    with pytest.raises(InvalidText, match="split valid: there is no such split; there are train, test"):
        list(load_dataset_documents(str(tmp_path / "splits"), split="valid"))
    with pytest.raises(InvalidText, match="could not be read"):
        list(load_dataset_documents(str(tmp_path / "nowhere")))


def test_no_more_is_read_than_is_asked_for():
    seen = []

    def rows():
        for number in itertools.count():
            seen.append(number)
            yield {"text": "x"}

    assert len(list(documents_from_dataset(rows(), limit=3))) == 3
    assert seen == [0, 1, 2]
