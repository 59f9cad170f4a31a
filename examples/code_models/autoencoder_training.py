"""The example's sparse autoencoders: what they are trained on, the training, and what is measured of each."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from model_training import CONTEXT, Plan
from safetensors.torch import load_file, save_file
from transformers import GPT2LMHeadModel

SAE_TOKENS = 1_200_000
SAE_BATCH = 1024


@torch.no_grad()
def block_outputs(model: GPT2LMHeadModel, stream: torch.Tensor, tokens: int) -> list[torch.Tensor]:
    """Each block's output, (tokens, width); the first position of each window is left out (attention sink)."""
    model.eval()
    kept: list[list[torch.Tensor]] = [[] for _ in model.transformer.h]

    def keep(layer: int) -> Any:
        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            hidden = output[0] if isinstance(output, tuple) else output
            kept[layer].append(hidden[:, 1:].reshape(-1, hidden.shape[-1]).clone())

        return hook

    handles = [block.register_forward_hook(keep(layer)) for layer, block in enumerate(model.transformer.h)]
    windows = stream[: len(stream) // CONTEXT * CONTEXT].view(-1, CONTEXT).long()
    step = max(1, len(windows) * CONTEXT // tokens)  # windows from all over the text
    for chunk in windows[::step].split(64):
        model.transformer(input_ids=chunk)
    for handle in handles:
        handle.remove()
    return [torch.cat(parts) for parts in kept]


def train_sae(
    plan: Plan, layer: int, activations: torch.Tensor, held_out: torch.Tensor, target: Path, seed: int
) -> dict[str, Any]:
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.saes.sae import SAE, SAEMetadata
    from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
    from sae_lens.training.sae_trainer import SAETrainer

    torch.manual_seed(seed)
    sae = TopKTrainingSAE(
        TopKTrainingSAEConfig(
            d_in=plan.width, d_sae=plan.latents, k=plan.k, normalize_activations="expected_average_only_in",
            # Read from transformers itself: nothing is folded or centred, which geomsim wants to know.
            metadata=SAEMetadata(
                model_name=plan.name, hook_name=f"blocks.{layer}.hook_resid_post", convention="raw"
            ),
        )
    )  # fmt: skip

    def batches() -> Any:
        while True:
            for rows in torch.randperm(len(activations)).split(SAE_BATCH):
                if len(rows) == SAE_BATCH:
                    yield activations[rows]

    samples = plan.sae_steps * SAE_BATCH
    config = SAETrainerConfig(
        n_checkpoints=0,
        checkpoint_path=None,
        save_final_checkpoint=False,
        total_training_samples=samples,
        train_batch_size_samples=SAE_BATCH,
        device="cpu",
        autocast=False,
        lr=8e-4,
        lr_end=8e-5,
        lr_scheduler_name="constant",
        lr_warm_up_steps=200,
        lr_decay_steps=plan.sae_steps // 4,
        adam_beta1=0.9,
        adam_beta2=0.999,
        n_restart_cycles=1,
        dead_feature_window=300,
        feature_sampling_window=500,
        logger=LoggingConfig(log_to_wandb=False),
    )
    started = time.perf_counter()
    SAETrainer(config, sae, batches()).fit().save_inference_model(target)
    weights = target / "sae_weights.safetensors"
    save_file({name: value.half().contiguous() for name, value in load_file(weights).items()}, weights)

    shipped = SAE.load_from_disk(target, dtype="float32")
    with torch.no_grad():
        error = firing = 0.0
        fired = torch.zeros(plan.latents)
        for chunk in held_out.split(8192):
            codes = shipped.encode(chunk)
            error += float((shipped.decode(codes) - chunk).square().sum())
            firing += float((codes > 0).sum())
            fired += (codes > 0).sum(0)
    spread = float((held_out - held_out.mean(0)).square().sum())
    measured = {
        "layer": layer,
        "latents": plan.latents,
        "k": plan.k,
        "explained_variance": 1 - error / spread,
        "l0": firing / len(held_out),
        "dead_latents": int((fired == 0).sum()),
        "held_out_tokens": len(held_out),
        "seconds": round(time.perf_counter() - started),
    }
    print(f"{plan.name} layer {layer}: {measured}", flush=True)
    return measured
