"""What is packed comes back, whatever it is."""

import base64
import gzip
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomsim.report.page.packing import Packer

_TYPES = {"u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "i32": np.int32, "f32": np.float32, "f64": np.float64}


def opened(packer, reference):
    """As the page reads it."""
    if isinstance(reference, list):
        return [opened(packer, item) for item in reference]
    if "$" in reference:
        number, offset, length, kind = reference["$"]
        blob = gzip.decompress(base64.b64decode(packer.encoded()[number]))
        assert offset % np.dtype(_TYPES[kind]).itemsize == 0, "a typed array begins at a multiple of its size"
        return np.frombuffer(blob, _TYPES[kind], length, offset)
    for key in ("$json", "$lazy"):
        if key in reference:
            return json.loads(gzip.decompress(base64.b64decode(packer.encoded()[reference[key]])))
    return {name: opened(packer, item) for name, item in reference.items()}


@given(st.lists(st.lists(st.integers(0, 100_000), max_size=6), max_size=8), st.text())
def test_lists_and_texts_come_back(lists, text):
    packer = Packer()
    with packer.together():
        first = packer.array([0.5, np.nan], "f64")
        packed = packer.lists(lists)
        flags = packer.array([1, 0, 1], "u8")
        last = packer.array([-1, 7], "i32")
    said = packer.json({"text": text})
    found = opened(packer, packed)
    starts, items = found["starts"], found["items"]
    assert [items[a:b].tolist() for a, b in pairwise(starts)] == lists
    np.testing.assert_array_equal(opened(packer, first), [0.5, np.nan])
    assert opened(packer, flags).tolist() == [1, 0, 1]
    assert opened(packer, last).tolist() == [-1, 7]
    assert opened(packer, said) == {"text": text}


@given(st.lists(st.lists(st.text(max_size=3), max_size=4), max_size=6))
def test_each_text_is_stored_once(lists):
    packer = Packer()
    found = opened(packer, packer.texts(lists))
    vocabulary = found["vocabulary"]
    assert len(set(vocabulary)) == len(vocabulary)
    starts, items = found["starts"], found["items"]
    assert [[vocabulary[i] for i in items[a:b]] for a, b in pairwise(starts)] == lists


@pytest.mark.parametrize(("largest", "kind"), [(255, "u8"), (256, "u16"), (65_535, "u16"), (65_536, "u32")])
def test_whole_numbers_take_the_smallest_type(largest, kind):
    packer = Packer()
    reference = packer.whole_numbers([0, largest])
    assert reference["$"][3] == kind
    assert opened(packer, reference).tolist() == [0, largest]


def test_half_of_a_character_is_shown_as_unreadable():
    packer = Packer()
    assert opened(packer, packer.json(["\ud800"])) == ["\ufffd\ufffd\ufffd"]


def test_the_same_input_gives_the_same_bytes():
    def packed():
        packer = Packer()
        packer.array(np.arange(10), "u16")
        packer.lazy_json({"a": 1})
        return packer.encoded()

    assert packed() == packed()
