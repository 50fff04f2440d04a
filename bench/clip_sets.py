"""The clips that benches train and judge on: cut into a training and a test side, written once as frames.

`ball_screw`: ball screws over weeks, the test side other positions (no picture of a test position is trained
on). `conveyor`: two films of a conveyor, the test side their last 30 %.
"""

import os
from dataclasses import replace
from pathlib import Path

from burnish.media.clip import Clips, Take, load_clips
from burnish.media.image import write_png

DATA = Path(os.environ.get("BURNISH_DATA", "../shared/data"))
WORK = Path(__file__).parents[1] / "out" / "bench_clips"
SETS = ("ball_screw", "conveyor")
SIZE, LENGTH, TEST_SHARE = 64, 16, 0.3


def position(take: Take) -> str:
    """The place on the machine that a ball screw's take shows."""
    return take.name.rsplit("_crop_", 1)[0]


def split(name: str) -> tuple[Clips, Clips]:
    """(training side, test side) of a set, in memory.

    Raises:
        DatasetError: The data is not where BURNISH_DATA says.
    """
    if name == "ball_screw":
        listed = DATA / "inspection" / "ball_screw" / "sequences.json"
        test = load_clips(listed, SIZE, "test")
        test = replace(test, takes=tuple(t for t in test.takes if len(t) >= LENGTH))
        places = {position(take) for take in test.takes}
        train = load_clips(listed, SIZE, "train")
        return replace(train, takes=tuple(t for t in train.takes if position(t) not in places)), test
    films = load_clips(DATA / "video", SIZE)
    cuts = [round((1 - TEST_SHARE) * len(take)) for take in films.takes]
    early = [replace(t, frames=t.frames[:cut]) for t, cut in zip(films.takes, cuts, strict=True)]
    late = [replace(t, frames=t.frames[cut:]) for t, cut in zip(films.takes, cuts, strict=True)]
    return replace(films, takes=tuple(early)), replace(films, takes=tuple(late))


def write_training(name: str) -> tuple[Path, Path]:
    """(folder of takes, folder of single frames) of a set's training side, written once."""
    train, _ = split(name)
    takes, singles = WORK / name / "takes", WORK / name / "frames"
    for number, take in enumerate(train.takes):
        for index, frame in enumerate(take.frames):
            for file in (
                takes / f"take_{number:02d}" / f"frame_{index:04d}.png",
                singles / f"{number:02d}_{index:04d}.png",
            ):
                if not file.exists():
                    write_png(file, frame)
    return takes, singles
