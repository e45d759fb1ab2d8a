"""Weights for `orch_nb.registry.tokens`, fitted to what published tokenizers count.

``python tests/benchmarks/tokens.py FOLDER`` reads cl100k_base and o200k_base (OpenAI) and
DeepSeek's tokenizer from FOLDER, as they lie in ``litellm/litellm_core_utils/tokenizers`` of
litellm's wheel, and needs ``pip install tiktoken tokenizers``. It prints weights in thousandths,
and for each text the mean count, and by how much the weights and the rule of thumb (four characters
to a token) are off. The texts are this project's own files, tables of random numbers, and the first
articles of the Universal Declaration of Human Rights; the fit is least squares on relative errors.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orch_nb.registry.tokens import WEIGHTS, classes

ROOT = Path(__file__).resolve().parent.parent.parent
_SWEEPS = 3000
_RIDGE = 1e-4  # keeps the weight of a class that is seldom seen finite


def texts() -> dict[str, str]:
    """What is counted, by name."""
    made = random.Random(0)
    numbers = [[made.gauss(0, 10 ** made.randrange(5)) for _ in range(4)] for _ in range(200)]
    prompts = (ROOT / "tests/data/task_prompts.tsv").read_text(encoding="utf-8").splitlines()
    facts = (ROOT / "orch_nb/registry/facts.json").read_text(encoding="utf-8")
    english = [row.split("\t")[3] for row in prompts if "\ten\t" in row]
    found = {
        "prompts": "\n".join(english),
        "README": (ROOT / "README.md").read_text(encoding="utf-8"),
        "Python": _joined("orch_nb/registry", "*.py"),
        "tests": _joined("tests/routing", "*.py"),
        "TypeScript": _joined("extension/src", "*.ts"),
        "JSON": facts,
        "CSV": "\n".join(",".join(f"{x:.4f}" for x in row) for row in numbers),
        "table": "\n".join(
            "| mean | " + " | ".join(f"{x:.2f}" for x in row) + " |" for row in numbers
        ),
        "padded table": "\n".join("".join(f"{x:>16.2f}" for x in row) for row in numbers),
        "indented JSON": json.dumps(json.loads(facts), indent=4),
        "integers": " ".join(str(int(abs(x))) for row in numbers for x in row),
        "dates": "\n".join(
            f"2024-03-{made.randrange(10, 31)}T12:{made.randrange(10, 60)}" for _ in numbers
        ),
        "emoji": "😀🎉🚀🐍❤️👍🏽" * 20,
    }
    rows = (ROOT / "tests/data/declaration.tsv").read_text(encoding="utf-8").splitlines()
    return found | {row.split("\t")[0]: row.split("\t")[1] for row in rows if row[0] != "#"}


def counters(folder: Path) -> list[Callable[[str], int]]:
    """Tokens of a text in each of the tokenizers in `folder`."""
    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    import tiktoken  # type: ignore[import-not-found]
    from tokenizers import Tokenizer  # type: ignore[import-not-found]

    openai = [tiktoken.get_encoding(name) for name in ("cl100k_base", "o200k_base")]
    deepseek = Tokenizer.from_file(str(folder / "deepseek_tokenizer.json"))
    return [
        *[lambda text, it=it: len(it.encode(text, disallowed_special=())) for it in openai],
        lambda text: len(deepseek.encode(text, add_special_tokens=False).ids),
    ]


def fit(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights ≥ 0 with which each row of `shares` adds up to 1, as nearly as can be.

    A row holds a text's characters of each class for each token. Coordinate descent.
    """
    size = shares.shape[1]
    weights = np.full(size, 0.3)
    curvature = shares.T @ shares + _RIDGE * np.eye(size)
    target = shares.sum(axis=0) + _RIDGE * 0.3
    for _ in range(_SWEEPS):
        for j in range(size):
            step = (curvature[j] @ weights - target[j]) / curvature[j, j]
            weights[j] = max(0.0, weights[j] - step)
    return weights


def main() -> None:
    """Print the weights and what they leave."""
    ways = counters(Path(sys.argv[1]).resolve())
    found = texts()
    counted = np.array([np.mean([way(text) for way in ways]) for text in found.values()])
    seen = np.zeros((len(found), len(WEIGHTS)))
    for row, text in enumerate(found.values()):
        told = classes(text)
        seen[row, : len(told)] = told
    weights = fit(seen / counted[:, None])
    for name, weight in zip(WEIGHTS, weights, strict=True):
        print(f"{name}: {round(weight * 1000)}")
    for (name, text), count, row in zip(found.items(), counted, seen, strict=True):
        off, thumb = row @ weights / count - 1, len(text) / 4 / count - 1
        print(f"{name}: {count:.0f}, {off:+.0%}, {thumb:+.0%}")


def _joined(folder: str, pattern: str) -> str:
    return "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / folder).glob(pattern))
    )


if __name__ == "__main__":
    main()
