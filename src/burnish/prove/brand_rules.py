"""A brand's rules, as YAML. Everything is optional; what is not stated is not checked.

```yaml
aspect: {width: 1, height: 1, tolerance: 0.01}
palette:
  colours: ["#1d2126", "#c2562b", white]
  distance: 10          # CIEDE2000 within which a pixel counts as of the palette
  share: 0.9            # of the pixels must
safe_area: {margin: 0.05, background: white, distance: 6, share: 0.99}
sharpness: {least: 40}  # variance of the Laplacian, gray levels squared
forbidden:
  - {name: price tag, region: [0.8, 0.0, 1.0, 0.2], background: white, distance: 6, share: 0.99}
product:
  reference: product.png
  mask: product-mask.png    # white where the product is; the whole picture without one
  least: 0.9                # structural similarity inside the mask
  colour: 6                 # mean CIEDE2000 inside the mask, at most
logo: {reference: logo.png, least: 0.8, margin: 0.02}
```

Regions are shares of the picture: [left, top, right, bottom]. Files lie beside the rules.
"""

from pathlib import Path
from typing import Annotated, Any

import yaml
from coloraide import Color
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from burnish.errors import BurnishError, in_words


def _colour(text: str) -> str:
    try:
        return Color(text).convert("srgb").to_string(hex=True, alpha=False)
    except ValueError as error:
        raise ValueError(f"{text!r} is no colour (write #rrggbb or a CSS name)") from error


def _region(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError("a region is [left, top, right, bottom] in shares of the picture, 0 to 1, rising")
    return box


Colour = Annotated[str, AfterValidator(_colour)]
Region = Annotated[tuple[float, float, float, float], AfterValidator(_region)]
Share = Annotated[float, Field(ge=0, le=1)]
Distance = Annotated[float, Field(ge=0, le=100)]


class Rule(BaseModel):
    """Refuses keys that it does not know: a misspelt rule must not pass unchecked."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Aspect(Rule):
    """Width to height, within a relative tolerance."""

    width: float = Field(gt=0)
    height: float = Field(gt=0)
    tolerance: float = Field(default=0.01, ge=0, lt=1)


class Palette(Rule):
    """Colours of which a share of the pixels must be, within a CIEDE2000 distance."""

    colours: tuple[Colour, ...] = Field(min_length=1)
    distance: Distance = 10.0
    share: Share = 0.9


class Empty(Rule):
    """Where nothing may be but the background: a share of the pixels must be of its colour."""

    background: Colour = "white"
    distance: Distance = 6.0
    share: Share = 0.99


class SafeArea(Empty):
    """A margin, as a share of the shorter side, that stays empty."""

    margin: float = Field(gt=0, lt=0.5)


class Forbidden(Empty):
    """A region that stays empty."""

    name: str
    region: Region


class Sharpness(Rule):
    """The least variance of the Laplacian, gray levels squared, the longer side brought to 512 px at most."""

    least: float = Field(gt=0)


class Product(Rule):
    """The product must look as in a reference picture that shows it at the same place.

    Attributes:
        reference: The picture.
        mask: White where the product is.
        least: Structural similarity (Wang et al. 2004), mean inside the mask.
        colour: Mean CIEDE2000 inside the mask, at most.
        worst: Structural similarity of the worst place inside the mask; places are 1/16 of the longer side.
    """

    reference: Path
    mask: Path | None = None
    least: float = Field(default=0.9, ge=-1, le=1)
    colour: Distance = 6.0
    worst: float = Field(default=0.5, ge=-1, le=1)


class Logo(Rule):
    """The whole logo is somewhere in the picture, at one of the scales, and away from the border.

    Attributes:
        reference: The logo, cut out.
        least: Normalised cross-correlation at the best place, of the whole logo and of each of its quarters,
            in [-1, 1].
        margin: Share of the picture's shorter side between logo and border.
        scales: Width of the logo as a share of the picture's width, least and most.
    """

    reference: Path
    least: float = Field(default=0.8, ge=-1, le=1)
    margin: float = Field(default=0.0, ge=0, lt=0.5)
    scales: tuple[float, float] = (0.1, 0.5)

    @model_validator(mode="after")
    def _rising(self) -> "Logo":
        if not 0 < self.scales[0] <= self.scales[1] <= 1:
            raise ValueError("scales are [least, most] in shares of the width, above 0 and up to 1")
        return self


class Rules(Rule):
    """All rules of a file; see the module."""

    aspect: Aspect | None = None
    palette: Palette | None = None
    safe_area: SafeArea | None = None
    sharpness: Sharpness | None = None
    forbidden: tuple[Forbidden, ...] = ()
    product: Product | None = None
    logo: Logo | None = None


def read_rules(path: str | Path) -> Rules:
    """Reads a rule file; files named in it are taken to lie beside it.

    Raises:
        BurnishError: It is not there, not YAML, states nothing, or has a key or value that is not known; each
            is named.
    """
    path = Path(path)
    try:
        given: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BurnishError(path, f"cannot be read ({error.strerror})", "Check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BurnishError(path, f"is not YAML ({in_words(error)})", "Mend the line that it names") from error
    if not isinstance(given, dict) or not given:
        raise BurnishError(path, "states no rules", "Write `aspect: {width: 1, height: 1}` or another rule")
    try:
        rules = Rules(**given)
    except (ValidationError, TypeError) as error:
        raise BurnishError(
            path, f"cannot be used ({in_words(error)})", "See docs/prove.md for the rules"
        ) from error
    for name in ("product", "logo"):
        rule = getattr(rules, name)
        files = [] if rule is None else [rule.reference, getattr(rule, "mask", None)]
        for file in filter(None, files):
            if not (path.parent / file).is_file():
                raise BurnishError(
                    path, f"{name} names {file}, which is not there", "Put it beside the rules"
                )
    return _beside(rules, path.parent)


def _beside(rules: Rules, folder: Path) -> Rules:
    changed: dict[str, Any] = {}
    if rules.product:
        mask = rules.product.mask
        files = {"reference": folder / rules.product.reference, "mask": folder / mask if mask else None}
        changed["product"] = rules.product.model_copy(update=files)
    if rules.logo:
        changed["logo"] = rules.logo.model_copy(update={"reference": folder / rules.logo.reference})
    return rules.model_copy(update=changed)
