from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from geomsim.activations.codes import Codes
from geomsim.activations.codes_writer import CodesWriter
from geomsim.activations.latent_look import look
from geomsim.activations.one_latent import open_latent
from geomsim.activations.text import Document, text_hash
from geomsim.activations.tokens import TokenTable
from geomsim.errors import InvalidCodes

DOCUMENTS = [Document(str(number), "ab cd ef " * 5) for number in range(6)]


@pytest.mark.parametrize("sparse", [True, False])
def test_one_latent_of_many_shards_is_that_of_all_codes(sparse, tmp_path):
    random = np.random.default_rng(0)
    values = (random.normal(size=(90, 7)) * (random.random((90, 7)) < 0.3)).astype(np.float32)
    values[:, 4] = 0
    row = np.arange(90)
    place = row % 15
    table = TokenTable(
        row // 15, place, 3 * place, 3 * place + 2, place, tuple(each.name for each in DOCUMENTS), text_hash(DOCUMENTS)
    )
    with CodesWriter(tmp_path / "codes", shard_tokens=40, name="made") as writer:
        for begin in range(0, 90, 30):
            rows = np.arange(begin, begin + 30)
            part = scipy.sparse.csr_array(values[rows]) if sparse else values[rows]
            writer.append(part, table.take(rows).counted({"first of window": 2}))
    whole = Codes.open(tmp_path / "codes")
    for latent in range(7):
        found = open_latent(tmp_path / "codes", latent)
        np.testing.assert_array_equal(found.latent(latent), values[:, latent])
        assert found.n_firings == np.count_nonzero(values[:, latent])
        assert found.tokens.same_tokens(whole.tokens)
        assert found.tokens.left_out == whole.tokens.left_out == {"first of window": 6}
        assert str(look(found, latent, DOCUMENTS)) == str(look(whole, latent, DOCUMENTS))
    with pytest.raises(InvalidCodes, match=r"no latent 7: these codes have latents 0 to 6"):
        open_latent(tmp_path / "codes", 7)
    with pytest.raises(InvalidCodes, match="no such directory of codes"):
        open_latent(tmp_path / "absent", 0)


def test_codes_without_a_text(tmp_path):
    values = np.array([[0.0, 1.0], [2.0, 0.0], [3.0, 4.0]])
    Codes.from_dense(values, groups=[0, 0, 1]).save(tmp_path / "codes")
    found = open_latent(tmp_path / "codes", 1)
    assert found.tokens is None
    assert found.groups.tolist() == [0, 0, 1]
    assert found.latent(1).tolist() == [1, 0, 4]
