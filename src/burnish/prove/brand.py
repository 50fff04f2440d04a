"""Brand and fidelity: does a picture keep the rules, and if not, which one and by how much?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from coloraide import Color
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from burnish.core.stats import Rate, rate
from burnish.media.image import read_image, read_mask
from burnish.media.layouts import find_images
from burnish.prove.brand_rules import Empty, Rules
from burnish.verbs.album import SHEET

LONGEST = 512
"""Larger pictures are made smaller before they are measured, so that figures do not depend on resolution."""
SHOTS = 24
"""Sizes at which a logo is looked for."""
PLAIN = 4.0
"""Gray levels of deviation below which a quarter of a logo shows nothing to look for."""


@dataclass(frozen=True)
class Finding:
    """One rule on one picture.

    Attributes:
        rule: Its name.
        kept: Whether it holds.
        value: What was measured.
        bound: What was wanted of it.
        told: Both in words.
    """

    rule: str
    kept: bool
    value: float
    bound: float
    told: str


def check(image: np.ndarray, rules: Rules) -> list[Finding]:
    """All rules on one picture, in the order of the file format.

    Args:
        image: uint8 (H, W, 3), sRGB.
        rules: From `read_rules`.
    """
    return list(_findings(image, rules))


def _findings(image: np.ndarray, rules: Rules) -> Iterator[Finding]:
    small = _limited(image)
    if rules.aspect:
        yield _aspect(image, rules)
    if rules.palette:
        p = rules.palette
        away = np.min([distance(small, colour) for colour in p.colours], axis=0)
        share = float((away <= p.distance).mean())
        yield Finding(
            "palette",
            share >= p.share,
            share,
            p.share,
            f"{100 * share:.1f} % of the pixels are of the palette; wanted {100 * p.share:.1f} %",
        )
    if rules.safe_area:
        border = np.zeros(small.shape[:2], bool)
        width = max(1, round(rules.safe_area.margin * min(border.shape)))
        border[:width] = border[-width:] = border[:, :width] = border[:, -width:] = True
        yield _empty("safe area", small, border, rules.safe_area)
    if rules.sharpness:
        found, least = sharpness(small), rules.sharpness.least
        told = f"variance of the Laplacian {found:.1f}; wanted {least:g}"
        yield Finding("sharpness", found >= least, found, least, told)
    for forbidden in rules.forbidden:
        inside = np.zeros(small.shape[:2], bool)
        left, top, right, bottom = forbidden.region
        height, width = small.shape[:2]
        rows = slice(int(top * height), max(int(top * height) + 1, round(bottom * height)))
        inside[rows, int(left * width) : max(int(left * width) + 1, round(right * width))] = True
        yield _empty(f"forbidden: {forbidden.name}", small, inside, forbidden)
    if rules.product:
        yield from _product(image, rules)
    if rules.logo:
        yield _logo(small, rules)


def _aspect(image: np.ndarray, rules: Rules) -> Finding:
    a = rules.aspect
    assert a is not None
    found, wanted = image.shape[1] / image.shape[0], a.width / a.height
    kept = abs(found / wanted - 1) <= a.tolerance
    told = f"width to height {found:.3f}; wanted {wanted:.3f} within {100 * a.tolerance:g} %"
    return Finding("aspect", kept, found, wanted, told)


def distance(image: np.ndarray, colour: str) -> np.ndarray:
    """CIEDE2000 of each pixel to a colour, (H, W) (Sharma, Wu, Dalal 2005, D65).

    Args:
        image: uint8 (H, W, 3), sRGB.
        colour: As coloraide reads it.
    """
    lab = _lab(image)
    return deltaE_ciede2000(lab, np.broadcast_to(np.array(_lab_of(colour)), lab.shape))


@cache
def _lab_of(colour: str) -> tuple[float, float, float]:
    lightness, a, b = Color(colour).convert("lab-d65")[:3]
    return float(lightness), float(a), float(b)


def _lab(image: np.ndarray) -> np.ndarray:
    return rgb2lab(image, illuminant="D65")


def _empty(name: str, image: np.ndarray, where: np.ndarray, rule: Empty) -> Finding:
    share = float((distance(image, rule.background)[where] <= rule.distance).mean())
    told = f"{100 * share:.1f} % of it is background; wanted {100 * rule.share:.1f} %"
    return Finding(name, share >= rule.share, share, rule.share, told)


def sharpness(image: np.ndarray) -> float:
    """Variance of the Laplacian of the brightness, gray levels squared (Pech-Pacheco et al. 2000)."""
    gray = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(gray, cv2.CV_64F).var())


def _product(image: np.ndarray, rules: Rules) -> Iterator[Finding]:
    """Structural similarity over the mask and at its worst place, and colour."""
    p = rules.product
    assert p is not None
    reference = _limited(read_image(p.reference))
    height, width = reference.shape[:2]
    mask = np.ones((height, width), bool)
    if p.mask:
        original = read_image(p.reference).shape[:2]
        whole = Image.fromarray(read_mask(p.mask, original).astype(np.uint8) * 255)
        mask = np.asarray(whole.resize((width, height), Image.Resampling.BILINEAR)) >= 128
    shown = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))
    gray = [cv2.cvtColor(np.ascontiguousarray(i), cv2.COLOR_RGB2GRAY) for i in (reference, shown)]
    like = np.asarray(
        structural_similarity(gray[0], gray[1], gaussian_weights=True, full=True, data_range=255)[1]
    )
    mean = float(like[mask].mean())
    told = f"structural similarity {mean:.3f} inside the mask; wanted {p.least:g}"
    yield Finding("product", mean >= p.least, mean, p.least, told)
    window = max(3, max(height, width) // 16)
    covered = cv2.blur(mask.astype(np.float64), (window, window))
    local = cv2.blur(np.where(mask, like, 0.0), (window, window)) / np.maximum(covered, 1e-9)
    worst = float(local[covered >= 0.5].min()) if (covered >= 0.5).any() else mean
    told = f"structural similarity {worst:.3f} at the worst place; wanted {p.worst:g}"
    yield Finding("product, worst place", worst >= p.worst, worst, p.worst, told)
    away = float(deltaE_ciede2000(_lab(reference), _lab(shown))[mask].mean())
    told = f"mean CIEDE2000 {away:.1f} inside the mask; wanted at most {p.colour:g}"
    yield Finding("product, colour", away <= p.colour, away, p.colour, told)


def _logo(image: np.ndarray, rules: Rules) -> Finding:
    """The logo's best place among all scales; each quarter must be seen there, so that none is cut off."""
    rule = rules.logo
    assert rule is not None
    logo, (height, width) = read_image(rule.reference), image.shape[:2]
    margin = round(rule.margin * min(height, width))
    inner = np.ascontiguousarray(image[margin : height - margin, margin : width - margin])
    best, value = -1.0, -1.0
    for share in np.geomspace(*rule.scales, SHOTS):
        w = max(4, round(share * width))
        h = max(4, round(w * logo.shape[0] / logo.shape[1]))
        if h > inner.shape[0] or w > inner.shape[1]:
            continue
        shown = np.asarray(Image.fromarray(logo).resize((w, h), Image.Resampling.LANCZOS))
        found = cv2.matchTemplate(inner, shown, cv2.TM_CCOEFF_NORMED)
        found = np.where(np.isfinite(found), found, -1.0)
        if found.max() > best:
            best = float(found.max())
            top, left = np.unravel_index(found.argmax(), found.shape)
            value = min(best, _worst_quarter(inner[top : top + h, left : left + w], shown))
    told = f"correlation {value:.3f} at the best place, worst quarter; wanted {rule.least:g}"
    return Finding("logo", value >= rule.least, value, rule.least, told)


def _worst_quarter(seen: np.ndarray, logo: np.ndarray) -> float:
    """The least correlation of the quarters of a logo that show anything; 1 when none does."""
    rows, columns, worst = logo.shape[0] // 2, logo.shape[1] // 2, 1.0
    for top, left in ((0, 0), (0, columns), (rows, 0), (rows, columns)):
        a, b = (
            part[top : top + rows, left : left + columns].astype(np.float64).ravel() for part in (seen, logo)
        )
        if b.std() >= PLAIN:
            a, b = a - a.mean(), b - b.mean()
            worst = min(worst, float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-9)))
    return worst


def _limited(image: np.ndarray) -> np.ndarray:
    """The picture, made smaller where its longer side is above `LONGEST`."""
    longer = max(image.shape[:2])
    if longer <= LONGEST:
        return image
    height, width = (max(1, round(n * LONGEST / longer)) for n in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


@dataclass(frozen=True)
class Checked:
    """A set of pictures against the rules.

    Attributes:
        findings: By file.
        kept: Pictures that keep all rules, with bounds.
        broken: By rule, pictures that break it, with bounds.
    """

    findings: dict[str, list[Finding]]
    kept: Rate
    broken: dict[str, Rate]

    def __str__(self) -> str:
        lines = []
        for name, found in self.findings.items():
            wrong = [f for f in found if not f.kept]
            lines.append(f"{name}: " + ("; ".join(f"{f.rule}: {f.told}" for f in wrong) or "keeps all rules"))
        share = self.kept
        lines.append(
            f"{share.count} of {share.of} keep all rules ({100 * share.low:.1f} to {100 * share.high:.1f} %)"
        )
        lines += [
            f"  {name}: {broken.count} break it" for name, broken in self.broken.items() if broken.count
        ]
        return "\n".join(lines)

    def to_json(self) -> dict:
        """As plain JSON."""
        return {
            "kept": self.kept.to_json(),
            "broken": {name: broken.to_json() for name, broken in self.broken.items()},
            "pictures": {name: [vars(f) for f in found] for name, found in self.findings.items()},
        }


def pictures_of(paths: Sequence[Path]) -> list[Path]:
    """The files named and the pictures of the folders named, without the sheet that shows them together."""
    return [
        file
        for path in paths
        for file in ([f for f in find_images(path) if f.name != SHEET] if path.is_dir() else [path])
    ]


def check_files(files: Sequence[Path], rules: Rules) -> Checked:
    """All rules on all pictures.

    Raises:
        ImageError: A picture cannot be read.
    """
    findings = {str(file): check(read_image(file), rules) for file in files}
    names = dict.fromkeys(f.rule for found in findings.values() for f in found)
    broken = {
        name: rate(
            sum(any(f.rule == name and not f.kept for f in found) for found in findings.values()), len(files)
        )
        for name in names
    }
    return Checked(findings, rate(sum(all(f.kept for f in v) for v in findings.values()), len(files)), broken)
