"""The example's language models: what is trained, tokenizers, the text as tokens, and the training itself."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from geomsim.activations.standard_library import standard_library_documents

END_OF_TEXT = "<|endoftext|>"
CONTEXT = 128
BATCH = 32  # windows, so 4,096 tokens a step


@dataclass(frozen=True)
class Plan:
    """What is trained: sizes, seed, and the vocabulary of the model's tokenizer."""

    name: str
    seed: int
    layers: int
    width: int
    vocabulary: int
    steps: int = 4000
    learning_rate: float = 3e-3
    latents: int = 1024
    k: int = 16
    sae_steps: int = 4000


# The longest first, so that two workers finish together.
PLANS = (
    Plan("right", seed=1, layers=3, width=128, vocabulary=2048),
    Plan("left", seed=0, layers=2, width=96, vocabulary=2048),
    Plan("left-second-seed", seed=2, layers=2, width=96, vocabulary=2048),
    Plan("third", seed=3, layers=2, width=96, vocabulary=1024),
)


def train_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    tokenizer = ByteLevelBPETokenizer()
    texts = [document.text for document in standard_library_documents("train")]
    tokenizer.train_from_iterator(
        texts, vocab_size=vocabulary, min_frequency=2, special_tokens=[END_OF_TEXT], show_progress=False
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer._tokenizer,
        eos_token=END_OF_TEXT,
        bos_token=END_OF_TEXT,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def token_stream(tokenizer: PreTrainedTokenizerFast, split: str) -> torch.Tensor:
    """All documents of a split as one stream of ids, each behind an end-of-text token."""
    ids: list[int] = []
    for document in standard_library_documents(split):
        ids.append(tokenizer.eos_token_id)
        ids.extend(tokenizer(document.text, add_special_tokens=False, verbose=False)["input_ids"])
    return torch.tensor(ids, dtype=torch.int32)


@torch.no_grad()
def held_out_loss(model: GPT2LMHeadModel, stream: torch.Tensor) -> float:
    """Mean cross-entropy in nats per token over the whole held-out stream, in windows of the context."""
    model.eval()
    windows = stream[: len(stream) // CONTEXT * CONTEXT].view(-1, CONTEXT).long()
    total = sum(float(model(input_ids=chunk, labels=chunk).loss) * len(chunk) for chunk in windows.split(64))
    return total / len(windows)


def train_model(plan: Plan, tokenizer: PreTrainedTokenizerFast, folder: Path) -> dict[str, Any]:
    torch.manual_seed(plan.seed)
    config = GPT2Config(
        vocab_size=plan.vocabulary, n_positions=CONTEXT, n_embd=plan.width, n_layer=plan.layers, n_head=4,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, loss_type="ForCausalLM",
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    train, held_out = token_stream(tokenizer, "train"), token_stream(tokenizer, "held-out")
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
        lr=plan.learning_rate,
        betas=(0.9, 0.98),
        fused=True,
    )
    warm_up = 200

    def rate(step: int) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * max(0, step - warm_up) / (plan.steps - warm_up)))
        return min(1.0, (step + 1) / warm_up) * (0.05 + 0.95 * cosine)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    random = np.random.default_rng(plan.seed)
    started = time.perf_counter()
    curve = []
    for step in range(plan.steps):
        starts = torch.from_numpy(random.integers(0, len(train) - CONTEXT, BATCH))
        batch = train[starts[:, None] + torch.arange(CONTEXT)].long()
        loss = model(input_ids=batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % 250 == 0:
            curve.append([step + 1, round(loss.item(), 3)])
            seconds = time.perf_counter() - started
            print(f"{plan.name}: step {step + 1}/{plan.steps} loss {loss.item():.3f} ({seconds:.0f} s)", flush=True)
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    reloaded = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)  # what is shipped is what is measured
    return {
        "train_tokens": len(train),
        "held_out_tokens": len(held_out),
        "steps": plan.steps,
        "tokens_per_step": BATCH * CONTEXT,
        "loss_curve": curve,
        "held_out_loss": held_out_loss(reloaded, held_out),
        "train_loss_sample": held_out_loss(reloaded, train[:300_000]),
        "seconds": round(time.perf_counter() - started),
    }


def open_model(folder: Path) -> tuple[GPT2LMHeadModel, PreTrainedTokenizerFast]:
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    return model, PreTrainedTokenizerFast.from_pretrained(folder)
