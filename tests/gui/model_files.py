"""Models for tests of the list: as many as are wanted, with all that a list can show, and none of them on a disk."""

from __future__ import annotations

import random
from pathlib import Path

from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.library.model_file import About, Capability, Facts, ModelFile, Place, Trouble
from nodetool_xl_desktop.preview.badges import Badge

NAMES = {
    "Llama-3.1-8B-Instruct": "llama",
    "Qwen3-14B": "qwen3",
    "Qwen2.5-Coder-32B-Instruct": "qwen2",
    "gemma-3-27b-it": "gemma3",
    "SmolLM2-135M-Instruct": "llama",
    "Mistral-Small-24B": "llama",
    "Phi-4-mini": "phi3",
    "nomic-embed-text-v1.5": "nomic-bert",
    "DeepSeek-R1-Distill-Qwen-7B": "qwen2",
}
QUANTIZATIONS = ("Q4_K_M", "Q8_0", "Q6_K", "F16", "IQ3_XXS")
PLACES = (Place.OWN, Place.HUGGING_FACE, Place.OLLAMA, Place.LM_STUDIO)


def model_files(count: int) -> list[ModelFile]:
    """So many models, the same each time."""
    chance = random.Random(1)
    return [_model(number, chance) for number in range(count)]


def badges(files: list[ModelFile]) -> dict[Path, Badge | None]:
    """A verdict on each that can be loaded."""
    chance = random.Random(2)
    return {file.path: Badge(chance.choice(list(Verdict)), "5.0 GiB") for file in files if file.trouble is None}


def _model(number: int, chance: random.Random) -> ModelFile:
    name, architecture = list(NAMES.items())[number % len(NAMES)]
    quantization = chance.choice(QUANTIZATIONS)
    path = Path(f"/models/folder{number % 40}/{name}-v{number}-{quantization}.gguf")
    trouble = Trouble("Still coming", "another program is writing it", "Wait for it") if number % 13 == 12 else None
    facts = Facts(
        kind="model",
        name=f"{name} {number}",
        architecture=architecture,
        n_params=chance.randint(10**8, 3 * 10**10),
        quantization=quantization,
        context_length=chance.choice((8192, 32768, 131072)),
        capabilities=frozenset(each for each in Capability if chance.random() < 0.3),
        licence="apache-2.0",
        fingerprint=f"{number:064x}",
    )
    return ModelFile(
        path,
        chance.randint(10**8, 4 * 10**10),
        chance.choice(PLACES),
        (path,),
        modified_ns=1_700_000_000 * 10**9 + number,
        facts=facts if trouble is None else None,
        trouble=trouble,
        same_as=(Path("/elsewhere/copy.gguf"),) if number % 11 == 5 else (),
        about=About(
            tags=("work",) if number % 5 == 0 else (),
            notes="slow but exact" if number % 7 == 0 else "",
            favourite=number in (0, 3),
        ),
    )
