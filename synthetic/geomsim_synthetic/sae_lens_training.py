"""Training a dictionary with sae-lens in place of the small trainer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from geomsim import InvalidConfig
from geomsim_synthetic.torch_randomness import seeded_torch
from geomsim_synthetic.training import TrainedDictionary, checked_activations
from geomsim_synthetic.training_options import TrainingOptions

if TYPE_CHECKING:
    import torch


def train_with_sae_lens(activations: ArrayLike, n_latents: int, **options: Any) -> TrainedDictionary:
    """Train through sae-lens (its ``TopKTrainingSAE`` or ``StandardTrainingSAE``), and read what it saved.

    Parameters are those of `train_dictionary`; what sae-lens does with them is its own. Activations are scaled to
    a mean square norm of 1 for training, and the dictionary is scaled back. sae-lens draws from torch's global
    generator, which is seeded for the time of the training and put back behind it.

    Raises
    ------
    InvalidConfig
        on an option that is unknown or out of range, or when sae-lens is not installed
        (``pip install 'geomsim[models]'``).
    InvalidSpace
        on activations that are not a finite (tokens, width) table.
    """
    from geomsim.activations import read_dictionary

    chosen = TrainingOptions.of(n_latents, options)
    points, scale = checked_activations(activations)
    sae_lens = load_sae_lens()
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.training.sae_trainer import SAETrainer

    width = int(points.shape[1])
    shared: dict[str, Any] = {"d_in": width, "d_sae": chosen.n_latents, "dtype": "float32", "device": "cpu"}
    configuration = SAETrainerConfig(
        n_checkpoints=0,
        checkpoint_path=None,
        save_final_checkpoint=False,
        total_training_samples=chosen.steps * chosen.batch,
        device="cpu",
        autocast=False,
        lr=chosen.learning_rate,
        lr_end=chosen.learning_rate / 10,
        lr_scheduler_name="constant",
        lr_warm_up_steps=0,
        adam_beta1=0.9,
        adam_beta2=0.999,
        lr_decay_steps=chosen.steps // 3,
        n_restart_cycles=1,
        train_batch_size_samples=chosen.batch,
        dead_feature_window=max(1, chosen.steps // 8),
        feature_sampling_window=2 * chosen.steps,
        logger=LoggingConfig(log_to_wandb=False, eval_every_n_wandb_logs=2**31 - 1),
        n_batches_for_norm_estimate=1,
    )
    with seeded_torch(chosen.seed), TemporaryDirectory() as folder:
        if chosen.activation == "topk":
            sae: Any = sae_lens.TopKTrainingSAE(sae_lens.TopKTrainingSAEConfig(k=chosen.k, **shared))
        else:
            sae = sae_lens.StandardTrainingSAE(sae_lens.StandardTrainingSAEConfig(l1_coefficient=chosen.l1, **shared))
        SAETrainer(configuration, sae, _batches(points, chosen.batch, chosen.seed)).fit()
        sae.save_inference_model(Path(folder))
        read = read_dictionary(folder)
    return TrainedDictionary.of(read, points, scale, losses=(), n_revived=0, trainer="sae-lens", seed=chosen.seed)


def load_sae_lens() -> Any:
    """The library, or InvalidConfig that says how to get it."""
    try:
        import sae_lens
    except ImportError as error:
        raise InvalidConfig(f"sae-lens is needed here ({error}); pip install 'geomsim[models]'") from error
    return sae_lens


def _batches(points: torch.Tensor, batch: int, seed: int) -> Iterator[torch.Tensor]:
    random = np.random.default_rng(seed)
    while True:
        yield points[random.integers(0, len(points), batch)]
