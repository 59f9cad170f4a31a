"""Train the example's models and sparse autoencoders again, from nothing.

    python examples/code_models/train.py               # all four models, two at a time
    python examples/code_models/train.py left          # one of them
    python examples/code_models/train.py --more        # further dictionaries of the models that are there

The text is the standard library of the running Python, less the held-out files
(`geomsim.activations.standard_library`). Each model is an ordinary transformers directory with its
tokenizer; beside it lie one sae-lens directory for each block and `training.json` with what was measured.
Under an hour on two cores; needs `geomsim[models]`.

`--more` reads the weights of the models and trains dictionaries of other seeds and sizes into `more_saes`, and those of
`right` with all its weights drawn anew into `right-rerandomised` (that model is made again from its seed and is not
kept). Each is a directory that appears when it is whole, with what was measured in its `training.json`; one that is
there already is not trained again.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from autoencoder_training import SAE_TOKENS, block_outputs, train_sae
from further_dictionaries import FURTHER, QUICK, run_further, write_table
from model_training import PLANS, Plan, token_stream, train_model, train_tokenizer
from transformers import GPT2LMHeadModel

HERE = Path(__file__).parent


def run(plan: Plan, root: Path) -> None:
    torch.set_num_threads(1)
    folder = root / plan.name
    tokenizer = train_tokenizer(plan.vocabulary)
    report: dict[str, Any] = {"plan": vars(plan), "model": train_model(plan, tokenizer, folder), "saes": []}
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    train = block_outputs(model, token_stream(tokenizer, "train"), SAE_TOKENS)
    held_out = block_outputs(model, token_stream(tokenizer, "held-out"), 10**9)
    for layer in range(plan.layers):
        target = folder / "saes" / f"layer_{layer}"
        seed = 100 * plan.seed + layer
        report["saes"].append(train_sae(plan, layer, train[layer], held_out[layer], target, seed))
    (folder / "training.json").write_text(json.dumps(report, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", choices=[[], *(plan.name for plan in PLANS)], help="which models (default: all)"
    )
    parser.add_argument("--into", type=Path, default=HERE, help="where the model directories go")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="40 steps of everything, --more too: shows that the script runs, not that the models are good",
    )
    parser.add_argument("--more", action="store_true", help="further dictionaries of the models there, and no model")
    arguments = parser.parse_args()
    plans = [plan for plan in PLANS if not arguments.names or plan.name in arguments.names]
    further = [one for one in FURTHER if not arguments.names or one.trained in arguments.names]
    if arguments.more and not further:
        parser.error(f"there are further dictionaries of {', '.join(sorted({one.trained for one in FURTHER}))} alone")
    if arguments.quick:
        plans = [replace(plan, steps=QUICK, sae_steps=QUICK) for plan in plans]
    with ProcessPoolExecutor(arguments.workers) as pool:
        if not arguments.more:
            for future in [pool.submit(run, plan, arguments.into) for plan in plans]:
                future.result()
        if arguments.more or arguments.quick:
            for future in [pool.submit(run_further, one, arguments.into, arguments.quick) for one in further]:
                future.result()
                if not arguments.quick:
                    write_table(arguments.into)


if __name__ == "__main__":
    main()
