"""What is asked of `refine`, checked before anything is computed."""

from dataclasses import dataclass

from burnish.errors import BurnishError

POLISH, FILL, VARY, ENLARGE = 0.35, 0.8, 0.6, 0.6
"""Strengths where none is given: of a whole picture, a hole or a border, variations, an upscaling."""

ANSWERS = ("sample", "mean")


@dataclass(frozen=True)
class Wish:
    """How a picture is to be refined.

    Args:
        strength: The time the walk starts at, in (0, 1]: how much may change; None takes what suits the task,
            and starts a hole from a smooth fill, not from what lies in it. 1 starts from noise alone.
        to: How many times as large: 1, 2 or 4.
        describe: What the picture, or the new part, should show; "" says nothing.
        guidance: 1 for none; 2 to 4 follow the description harder.
        rounds: Most rounds; the most natural result is kept, and rounds end when one is no better.
        outpaint: Pixels to add at the left, top, right and bottom.
        variations: How many results, each with its own seed.
        answer: `sample` draws one of the pictures that may be meant: sharp. `mean` averages them: nearer to
            the truth on average (PSNR), and smoother.
        noise: Standard deviation of the noise that the picture already has, in levels of 0 to 255: it is
            taken as x_t at the time that has this much, and none is added.
        whole: Refine the whole picture shrunk to the model's size, and bring the result back; else windows of
            the picture at its own scale.
        steps: Steps of a walk.
        draws: Draws of the noise, or walks, averaged for the answer `mean`.
        seed: Variation k, round r depend on (seed, k, r) alone.
    """

    strength: float | None = None
    to: int = 1
    describe: str = ""
    guidance: float = 1.0
    rounds: int = 1
    outpaint: tuple[int, int, int, int] = (0, 0, 0, 0)
    variations: int = 1
    answer: str = "sample"
    noise: float | None = None
    whole: bool = False
    steps: int = 8
    draws: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses what cannot be done.

        Raises:
            BurnishError: A value out of its range, or two wishes that exclude each other.
        """
        if self.strength is not None and not 0 < self.strength <= 1:
            raise BurnishError(f"strength {self.strength}", "must be above 0 and at most 1", "0.35 is usual")
        if self.to not in (1, 2, 4):
            raise BurnishError(f"to {self.to}x", "is not 2x or 4x", "Upscale twice for more")
        if not 0 <= self.guidance <= 30:
            raise BurnishError(f"guidance {self.guidance}", "must be within 0 and 30", "1 is none")
        for name in ("rounds", "variations", "steps", "draws"):
            if getattr(self, name) < 1:
                raise BurnishError(f"{name} {getattr(self, name)}", "must be at least 1")
        if len(self.outpaint) != 4 or min(self.outpaint) < 0:
            raise BurnishError(f"outpaint {self.outpaint}", "must be four numbers of pixels, L,T,R,B, >= 0")
        if self.answer not in ANSWERS:
            raise BurnishError(f"answer {self.answer!r}", "is unknown", f"Known: {', '.join(ANSWERS)}")
        if self.noise is not None and not 0 < self.noise < 255:
            raise BurnishError(f"noise {self.noise}", "must be above 0 and below 255 levels")
        other = self.strength is not None or self.to > 1 or self.rounds > 1 or self.extends or self.whole
        if self.noise is not None and other:
            reason = "cannot go with strength, upscaling, rounds, outpaint or whole"
            raise BurnishError(f"noise {self.noise}", reason, "Do one after the other")
        if self.to > 1 and (self.extends or self.whole):
            raise BurnishError(f"to {self.to}x", "cannot go with outpaint or whole", "Do one after the other")

    @property
    def extends(self) -> bool:
        """Whether the picture grows at a side."""
        return any(self.outpaint)

    def start(self, hole: bool) -> float:
        """The time the walk starts at where no noise is given, in (0, 1].

        Args:
            hole: Whether a part is to be filled and the rest is known.
        """
        if self.strength is not None:
            return self.strength
        return ENLARGE if self.to > 1 else FILL if hole else VARY if self.variations > 1 else POLISH


def read_factor(text: str) -> int:
    """1, 2 or 4 of `1x`, `2x`, `4x` or the number alone.

    Raises:
        BurnishError: Anything else.
    """
    number = text.strip().lower().removesuffix("x")
    if number not in ("1", "2", "4"):
        raise BurnishError(f"to {text!r}", "is not 2x or 4x", "Upscale twice for more")
    return int(number)


def read_sides(text: str) -> tuple[int, int, int, int]:
    """Pixels to add, of `LEFT,TOP,RIGHT,BOTTOM`.

    Raises:
        BurnishError: Not four numbers, or one below 0.
    """
    try:
        left, top, right, bottom = (int(part) for part in text.split(","))
    except ValueError as error:
        raise BurnishError(
            f"outpaint {text!r}", "is not four numbers", "Write LEFT,TOP,RIGHT,BOTTOM such as 0,0,64,0"
        ) from error
    return left, top, right, bottom
