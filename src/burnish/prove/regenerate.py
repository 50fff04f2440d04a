"""Makes pictures from an exported model. One file; needs numpy, onnxruntime and Pillow, nothing else.

    python regenerate.py                              the pictures in `expected/` again, compared with them
    python regenerate.py --seed 7 --description cat --out cat.png

Beside it lie `model.json` (what the model is), `denoiser.onnx`, where walks begin below t = 1 `outline.onnx`
(which makes noise what a Gaussian of the data's own mean and covariance would be there), and where pictures
are coded by an autoencoder `decoder.onnx`. The denoiser answers `clean`, the mean of what may be behind a
noisy code `x` at time `t`, on the straight path x_t = (1 - t) x_0 + t noise. Noise is that of torch's CPU
generator (MT19937 and Box-Muller), so a seed means what it meant before.
"""

import argparse
import json
import re
import sys
import unicodedata
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

HERE = Path(__file__).resolve().parent
MASK = (1 << 64) - 1


def mixed(*numbers: int) -> int:
    """Numbers hashed to a seed in [0, 2^63) by the SplitMix64 finaliser."""
    state = 0
    for number in numbers:
        state = (state + (number & MASK) + 0x9E3779B97F4A7C15) & MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
        state ^= state >> 31
    return state & ((1 << 63) - 1)


def normal(count: int, seed: int) -> np.ndarray:
    """Standard normal numbers as torch.randn draws `count` >= 16 of them on a CPU, float32.

    Uniform numbers are the low 24 bits of MT19937; in blocks of 16 the first half gives radii and the second
    angles (Box-Muller). A tail shorter than 16 is drawn anew as one block of 16.
    """
    bits = np.random.RandomState(seed & 0xFFFFFFFF).randint(0, 1 << 32, count + 16, np.uint32)
    uniform = (bits & np.uint32(0xFFFFFF)).astype(np.float64) * 2.0**-24
    out = np.empty(count)
    for begin in range(0, count - 15, 16):
        out[begin : begin + 16] = _block(uniform[begin : begin + 16])
    if count % 16:
        out[-16:] = _block(uniform[count : count + 16])
    return out.astype(np.float32)


def _block(uniform: np.ndarray) -> np.ndarray:
    radius, angle = np.sqrt(-2 * np.log(1 - uniform[:8])), 2 * np.pi * uniform[8:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])


def times(steps: int, shift: float) -> np.ndarray:
    """Times from 1 down to 0, (steps + 1,); a shift above 1 spends more steps at high noise."""
    even = np.linspace(1, 0, steps + 1)
    return shift * even / (1 + (shift - 1) * even)


def ngrams(text: str, buckets: int, most: int) -> np.ndarray:
    """A description's words, word pairs and letter trigrams as hashed ids, (1, most); 0 pads."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    pairs = [f"{a} {b}" for a, b in pairwise(words)]
    letters = [f"#{w[i : i + 3]}" for w in (f"<{word}>" for word in words) for i in range(len(w) - 2)]
    grams = list(dict.fromkeys([*words, *pairs, *letters]))[:most]
    out = np.zeros((1, most), np.int64)
    out[0, : len(grams)] = [1 + zlib.crc32(gram.encode()) % buckets for gram in grams]
    return out


class Generator:
    """An exported model.

    Args:
        folder: Of `model.json` and its ONNX files.
    """

    def __init__(self, folder: Path = HERE) -> None:
        self.facts: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.denoiser = ort.InferenceSession(
            str(folder / "denoiser.onnx"), providers=["CPUExecutionProvider"]
        )
        self.outline, self.decoder = (
            ort.InferenceSession(str(file), providers=["CPUExecutionProvider"]) if file.exists() else None
            for file in (folder / "outline.onnx", folder / "decoder.onnx")
        )

    def told(self, description: str) -> dict[str, np.ndarray]:
        """A description as the denoiser's inputs besides x and t."""
        facts, words = self.facts, description.strip().casefold()
        names = [name.casefold() for name in facts["classes"]]
        label = names.index(words) + 1 if words in names else 0
        said: dict[str, np.ndarray] = {}
        if "label" in facts["inputs"]:
            said["label"] = np.array([label], np.int64)
        if "ngrams" in facts["inputs"]:
            said["ngrams"] = ngrams(description, facts["buckets"], facts["ngrams"])
        if "text" in facts["inputs"]:
            if words and not label and description not in facts["texts"]:
                known = ", ".join(facts["texts"]) or "none"
                raise SystemExit(f"{description!r} was not exported; descriptions that were: {known}")
            said["text"] = np.array([facts["texts"].get(description, [0.0] * facts["text"])], np.float32)
        elif words and not label and "ngrams" not in facts["inputs"]:
            raise SystemExit(f"{description!r}: this model knows {', '.join(facts['classes']) or 'no words'}")
        return said

    def make(self, seed: int, description: str = "", index: int = 0) -> np.ndarray:
        """Picture `index` of a seed, uint8 (H, W, 3)."""
        facts, said = self.facts, self.told(description)
        unsaid = {name: np.zeros_like(value) for name, value in said.items()}
        shape = (1, *facts["shape"])
        x = normal(int(np.prod(shape)), mixed(seed, index)).reshape(shape)
        if self.outline is not None:
            asked = [given.name for given in self.outline.get_inputs()]
            given = {"noise": x, **said}
            x = np.asarray(self.outline.run(["x"], {name: given[name] for name in asked})[0])
        walk, before = facts["start"] * times(facts["steps"], facts["shift"]), None
        for t, s in pairwise(walk):
            clean = self.ask(x, t, said)
            if facts["guidance"] != 1:
                without = self.ask(x, t, unsaid)
                clean = without + facts["guidance"] * (clean - without)
            slope, h = (x - clean) / t, s - t
            if before is None:
                x = s / t * x + (1 - s / t) * clean
            else:  # the two-step Adams-Bashforth method with uneven steps
                lean = h / (2 * before[1])
                x = x + h * ((1 + lean) * slope - lean * before[0])
            x, before = x.astype(np.float32), (slope, h)
        return self.picture(x)

    def ask(self, x: np.ndarray, t: float, said: dict[str, np.ndarray]) -> np.ndarray:
        """The denoiser's answer."""
        return np.asarray(self.denoiser.run(["clean"], {"x": x, "t": np.array([t], np.float32), **said})[0])

    def picture(self, code: np.ndarray) -> np.ndarray:
        """A code as uint8 (H, W, 3)."""
        facts = self.facts
        mean, deviation = (np.array(facts[k], np.float32)[None, :, None, None] for k in ("mean", "deviation"))
        levels = code * deviation + mean
        if self.decoder is not None:
            levels = np.clip(np.asarray(self.decoder.run(["picture"], {"code": levels})[0]), 0, 1) * 255
            levels = levels.mean(1, keepdims=True) if facts["gray"] else levels
        image = np.clip(np.rint(levels[0]), 0, 255).astype(np.uint8).transpose(1, 2, 0)
        return np.repeat(image, 3, 2) if image.shape[2] == 1 else image


def compare(folder: Path = HERE) -> int:
    """Makes what is in `expected/` again; answers 0 when all come within the tolerance."""
    generator, worst = Generator(folder), 0.0
    for one in generator.facts["expected"]:
        made = generator.make(one["seed"], one["description"]).astype(int)
        with Image.open(folder / "expected" / one["file"]) as picture:
            off = np.abs(made - np.asarray(picture.convert("RGB")).astype(int))
        worst = max(worst, float(off.max()))
        what = f"seed {one['seed']} {one['description']!r}"
        print(f"{what}: at most {off.max()} of 255 off, mean {off.mean():.4f}")
    tolerance = generator.facts["tolerance"]
    print(f"{'within' if worst <= tolerance else 'NOT within'} the tolerance of {tolerance} of 255")
    return 0 if worst <= tolerance else 1


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, help="make a picture of one's own")
    parser.add_argument("--description", default="")
    parser.add_argument("--out", type=Path, default=Path("made.png"))
    given = parser.parse_args()
    if given.seed is None:
        return compare()
    Image.fromarray(Generator().make(given.seed, given.description)).save(given.out)
    print(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
