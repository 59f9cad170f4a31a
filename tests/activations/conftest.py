"""Tiny models of three families, untrained, saved as ordinary transformers directories."""

from __future__ import annotations

from pathlib import Path

import pytest

CONTEXT = 16
TEXTS = (
    "def add(left, right):\n    return left + right\n" * 3,
    "x = 1",
    "",
    "café <|endoftext|> naïve 🙂 isn't\n",
    "for row in rows:\n    print(row)\n",
)


@pytest.fixture(scope="session")
def tiny_tokenizer():
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    bpe = tokenizers.ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        list(TEXTS), vocab_size=300, min_frequency=2, special_tokens=["<|endoftext|>"], show_progress=False
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer,
        eos_token="<|endoftext|>",
        bos_token="<|endoftext|>",
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory, tiny_tokenizer) -> dict[str, Path]:
    """Directories by family: two blocks, width 16, MLP of 24 (GPT-2: 64), a context of 16 tokens."""
    import torch
    import transformers

    torch.set_num_threads(1)
    shared = {"vocab_size": len(tiny_tokenizer), "bos_token_id": 0, "eos_token_id": 0, "initializer_range": 0.3}
    wide = {
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": CONTEXT,
    }
    configs = {
        "gpt2": transformers.GPT2Config(n_positions=CONTEXT, n_embd=16, n_layer=2, n_head=2, **shared),
        "gpt-neox": transformers.GPTNeoXConfig(**wide, **shared),
        "llama": transformers.LlamaConfig(num_key_value_heads=1, **wide, **shared),
    }
    root = tmp_path_factory.mktemp("models")
    for family, config in configs.items():
        torch.manual_seed(len(family))
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(root / family)
        tiny_tokenizer.save_pretrained(root / family)
    return {family: root / family for family in configs}


@pytest.fixture(scope="session")
def tiny_documents():
    from geomsim.activations.text import documents_from_strings

    return documents_from_strings(TEXTS)
