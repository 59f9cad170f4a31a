from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import torch

from geomsim.activations.alignment import align
from geomsim.activations.codes import Codes
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes


def table(document, start, end, names=("one", "two"), text_hash="abc", token_id=None):
    position = np.arange(len(document))
    ids = position if token_id is None else token_id
    return TokenTable(document, position, start, end, ids, documents=names, text_hash=text_hash)


def random_sparse(rng, shape=(50, 7), density=0.3):
    return (rng.random(shape) * (rng.random(shape) < density)).astype(np.float32)


def test_sparse_and_dense_say_the_same():
    values = random_sparse(np.random.default_rng(0))
    sparse, dense = Codes(scipy.sparse.csr_array(values)), Codes(values)
    assert sparse.is_sparse
    assert not dense.is_sparse
    assert sparse.l0 == dense.l0 == np.count_nonzero(values) / 50
    assert sparse.n_firings == dense.n_firings
    np.testing.assert_array_equal(sparse.firings(), (values != 0).sum(axis=0))
    np.testing.assert_array_equal(dense.firings(), (values != 0).sum(axis=0))
    np.testing.assert_array_equal(sparse.dense(), values)
    for latent in range(7):
        np.testing.assert_array_equal(sparse.latent(latent), values[:, latent])
    rows = np.array([3, 3, 0])
    np.testing.assert_array_equal(sparse.take(rows).dense(), values[rows])


@pytest.mark.parametrize("make", [np.float16, np.float64, np.int32, bool])
def test_numpy_kinds_become_float32(make):
    codes = Codes.from_dense(np.array([[0, 1], [1, 1]]).astype(make))
    assert codes.dense().dtype == np.float32
    assert codes.dense().tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.int64])
def test_torch_tensors_become_float32(dtype):
    tensor = torch.tensor([[0, 2], [0, 1]], dtype=dtype)
    assert Codes.from_dense(tensor).dense().tolist() == [[0, 2], [0, 1]]
    sparse = Codes(tensor.to_sparse())
    assert sparse.is_sparse
    assert sparse.dense().tolist() == [[0, 2], [0, 1]]


def test_a_tensor_that_wants_gradients_is_read():
    assert Codes.from_dense(torch.ones(2, 2, requires_grad=True)).dense().tolist() == [[1, 1], [1, 1]]


def test_from_dense_keeps_only_nonzeros_where_there_are_few():
    values = np.zeros((10, 10))
    values[0, 0] = 1
    assert Codes.from_dense(values).is_sparse
    assert not Codes.from_dense(values, sparse=False).is_sparse
    assert not Codes.from_dense(np.ones((10, 10))).is_sparse
    assert Codes.from_dense(np.ones((10, 10)), sparse=True).is_sparse


def test_explicit_zeros_and_repeated_entries_are_folded_and_the_original_is_kept():
    original = scipy.sparse.csr_array(
        (np.array([1.0, 2.0, 0.0], dtype=np.float32), np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 2)
    )
    codes = Codes.from_scipy(original)
    assert codes.firings().tolist() == [0, 1]
    assert codes.dense().tolist() == [[0, 3], [0, 0]]
    assert original.nnz == 3


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_nan_and_infinity_are_counted(bad, kind):
    values = np.ones((5, 3))
    values[2, 1] = values[2, 2] = values[4, 0] = bad
    with pytest.raises(InvalidCodes, match="on 2 of 5 tokens, the first is token 2"):
        Codes(kind(values))


def test_values_beyond_float32_are_infinite():
    with pytest.raises(InvalidCodes, match="on 1 of 2 tokens, the first is token 1"):
        Codes(np.array([[1.0], [1e300]]))


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((0, 3)), "no tokens"),
        (np.zeros((3, 0)), "no latents"),
        (np.zeros(3), r"must be \(tokens, latents\)"),
        (np.array([["a"]]), "not numbers"),
        ([[1.0], [1.0, 2.0]], "not a table of numbers"),
        (scipy.sparse.csr_array(np.ones((1, 1), dtype=complex)), "not numbers"),
    ],
)
def test_what_is_no_matrix_of_activations(matrix, message):
    with pytest.raises(InvalidCodes, match=message):
        Codes(matrix)


def test_labels_of_the_wrong_length():
    with pytest.raises(InvalidCodes, match="3 tokens but 2 groups"):
        Codes(np.ones((3, 1)), groups=[0, 1])
    with pytest.raises(InvalidCodes, match="3 tokens but a token table of 2"):
        Codes(np.ones((3, 1)), tokens=table([0, 0], [0, 1], [1, 2]))


def test_from_scipy_wants_a_sparse_matrix_and_latent_an_existing_one():
    with pytest.raises(InvalidCodes, match=r"use Codes.from_dense"):
        Codes.from_scipy(np.ones((2, 2)))
    with pytest.raises(InvalidCodes, match=r"no latent 2.*0 to 1"):
        Codes(np.ones((2, 2))).latent(2)


def test_groups_are_documents_or_labels():
    assert Codes(np.ones((2, 1)), tokens=table([1, 0], [0, 0], [1, 1])).groups.tolist() == [1, 0]
    assert Codes(np.ones((3, 1)), groups=["b", "a", "b"]).groups.tolist() == [1, 0, 1]
    assert Codes(np.ones((2, 1)), groups=[7, 3]).groups.tolist() == [7, 3]
    assert Codes(np.ones((2, 1))).groups is None


def test_align_keeps_the_tokens_of_both_in_the_order_of_the_left():
    left = Codes(np.arange(5.0)[:, None], tokens=table([0, 0, 0, 1, 1], [0, 2, 4, 0, 3], [2, 4, 6, 3, 5]))
    right = Codes(10 + np.arange(4.0)[:, None], tokens=table([0, 0, 1, 1], [2, 4, 0, 3], [4, 7, 3, 5]))
    aligned = align(left, right)
    assert aligned.left.dense().ravel().tolist() == [1, 3, 4]
    assert aligned.right.dense().ravel().tolist() == [10, 12, 13]
    assert aligned.left_out == {"left": 2, "right": 1}
    assert aligned.left.groups.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(aligned.left.tokens.start, aligned.right.tokens.start)


def test_align_keeps_the_last_token_of_a_split_character():
    left = Codes(np.arange(4.0)[:, None], tokens=table([0] * 4, [0, 1, 1, 2], [1, 2, 2, 3]))
    right = Codes(10 + np.arange(3.0)[:, None], tokens=table([0] * 3, [0, 1, 2], [1, 2, 3]))
    aligned = align(left, right)
    assert aligned.left.dense().ravel().tolist() == [0, 2, 3]
    assert aligned.left_out == {"left": 1, "right": 0}


def test_equal_tables_are_left_alone_with_their_split_characters():
    tokens = table([0] * 3, [0, 1, 1], [1, 2, 2])
    left, right = Codes(np.ones((3, 1)), tokens=tokens), Codes(np.ones((3, 2)), tokens=tokens)
    aligned = align(left, right)
    assert aligned.left is left
    assert aligned.left_out == {"left": 0, "right": 0}


def test_align_refuses_different_texts_and_unequal_arrays():
    left = Codes(np.ones((2, 1)), tokens=table([0, 0], [0, 1], [1, 2], text_hash="aaa"))
    right = Codes(np.ones((2, 1)), tokens=table([0, 0], [0, 1], [1, 2], text_hash="bbb"))
    with pytest.raises(InvalidCodes, match=r"different texts.*aaa.*bbb"):
        align(left, right)
    with pytest.raises(InvalidCodes, match="different texts"):
        align(left, Codes(np.ones((2, 1)), provenance={"text_hash": "ccc"}))
    with pytest.raises(InvalidCodes, match="2 tokens and right codes 3"):
        align(Codes(np.ones((2, 1))), Codes(np.ones((3, 1))))
    with pytest.raises(InvalidCodes, match="one list of documents"):
        align(left, Codes(np.ones((2, 1)), tokens=table([0, 0], [0, 1], [1, 2], names=("x",), text_hash="")))
    with pytest.raises(InvalidCodes, match="share no token"):
        align(left, Codes(np.ones((1, 1)), tokens=table([0], [5], [6], text_hash="aaa")))


def test_align_compares_groups_up_to_their_names():
    left = Codes(np.ones((3, 1)), groups=["x", "x", "y"])
    assert align(left, Codes(np.ones((3, 1)), groups=[5, 5, 2])).left is left
    with pytest.raises(InvalidCodes, match="differently, the first difference is at token 1"):
        align(left, Codes(np.ones((3, 1)), groups=[0, 1, 1]))
