"""The catalogue's entries. Pinned commits; a hash that nobody could compute is left None, not invented."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A public set.

    Attributes:
        name: What the user asks for.
        what: One line.
        licence: As its authors state it.
        page: Where a person reads about it.
        place: Where it lies below a folder of ready sets, such as `inspection/aliens`.
        size: Bytes of the ready set.
        sha256: `catalogue.tree_sha256` of the ready set.
        address: The archive or file to download; "" where only `hint` helps.
        address_sha256: Of the download, or None: archives that a forge packs on demand have no lasting hash,
            and none is invented. The sets arranged from one are checked by `pictures_sha256` instead, where
            that is known.
        pictures_sha256: The same of the `images` that `arrange` takes from the archive, or None.
        masks: How `arrange` finds masks; None for labels only.
        hint: What to do, where the public address alone does not make the ready set.
    """

    name: str
    what: str
    licence: str
    page: str
    place: str
    size: int
    sha256: str
    address: str = ""
    address_sha256: str | None = None
    pictures_sha256: str | None = None
    masks: str | None = None
    hint: str = ""

    @property
    def is_file(self) -> bool:
        """Whether the set is a single file."""
        return bool(Path(self.place).suffix)


_NO_SPARE = "The public archive gives the train and test splits; the ready set also has the spare one"

SETS: tuple[Entry, ...] = (
    Entry(
        name="magnetic_tile",
        what="ground magnetic tiles, gray, 5 defect classes, masks (1,344 pictures)",
        licence='"It is welcomed to use our dataset. And if it is used in your research, please cite our '
        'paper."',
        page="https://github.com/abin24/Magnetic-tile-defect-datasets.",
        place="inspection/magnetic_tile",
        size=50985210,
        sha256="883e21031a1f7ae7e1d64726bf9d22a74253c15969b347a32fea9f5bbd516145",
        address="https://github.com/abin24/Magnetic-tile-defect-datasets./archive/cc4eb53.zip",
        masks="beside",
        hint=_NO_SPARE,
    ),
    Entry(
        name="ball_screw",
        what="ball screw drives, pitting under soiling, masks (1,104 pictures)",
        licence="CC BY-SA 4.0",
        page="https://github.com/2Obe/BSData",
        place="inspection/ball_screw",
        size=58158475,
        sha256="cad2374b9004c282b6ed28189f3b0808de24e20cf4b3c88ecd4ef7dc258e635f",
        address="https://github.com/2Obe/BSData/archive/7204b28a621733c01cd75899ed9ea27f6ea0b9e3.zip",
        pictures_sha256="be125e1462b50e73e545a826539be06f8a69f705ed91c537111549e2f4de9bba",
        masks="labelme",
        hint=_NO_SPARE + ", and is resized to a width of 768 pixels",
    ),
    Entry(
        name="paper_pa_bft01_tl",
        what="paper of kind BFT01 TL with impurities, 128 px, masks (96 pictures)",
        licence="CC BY 4.0",
        page="https://github.com/bianconif/PIPED",
        place="inspection/paper_pa_bft01_tl",
        size=2640954,
        sha256="263b08f647cbde45d470cfbcd01d899291f6176ab7524fd235a228597c3d3b2c",
        address="https://github.com/bianconif/PIPED/archive/3d89e1f3f0d7b31f34d523cd7c73e3fb00dee567.zip",
        pictures_sha256="4fcb1e0af43c8a3f41a6129a497752325dc0f7e8a719cfc11705fd9fc1ecfe6d",
        masks="ground_truth",
        hint=_NO_SPARE,
    ),
    Entry(
        name="paper_pa_brg01_rl",
        what="paper of kind BRG01 RL with impurities, 128 px, masks (96 pictures)",
        licence="CC BY 4.0",
        page="https://github.com/bianconif/PIPED",
        place="inspection/paper_pa_brg01_rl",
        size=2612084,
        sha256="aee493c7399cd7ff63f658408efbdea7aea625c8cd727cb78fa84d89e53a8729",
        address="https://github.com/bianconif/PIPED/archive/3d89e1f3f0d7b31f34d523cd7c73e3fb00dee567.zip",
        pictures_sha256="cbf2cf129f38fbb843d3358786ebb3dae188e09397c40b9fa617b9dde1ae4bf8",
        masks="ground_truth",
        hint=_NO_SPARE,
    ),
    Entry(
        name="paper_pa_fvn01_tl",
        what="paper of kind FVN01 TL with impurities, 128 px, masks (96 pictures)",
        licence="CC BY 4.0",
        page="https://github.com/bianconif/PIPED",
        place="inspection/paper_pa_fvn01_tl",
        size=2599322,
        sha256="4c51d6321446ebdec7bdb1974b38e457144316e6e31ed5fde0ca8675ae8160fe",
        address="https://github.com/bianconif/PIPED/archive/3d89e1f3f0d7b31f34d523cd7c73e3fb00dee567.zip",
        pictures_sha256="a8f93af852e998ff236541bcf35878dd7b64bfa35841c61bee1109ce2d394d77",
        masks="ground_truth",
        hint=_NO_SPARE,
    ),
    Entry(
        name="paper_pa_gla01_tl",
        what="paper of kind GLA01 TL with impurities, 128 px, masks (96 pictures)",
        licence="CC BY 4.0",
        page="https://github.com/bianconif/PIPED",
        place="inspection/paper_pa_gla01_tl",
        size=2608062,
        sha256="caed4fe9fc56308f959276e04b534826f502e9c7bffdd93bbcf574ca989fd822",
        address="https://github.com/bianconif/PIPED/archive/3d89e1f3f0d7b31f34d523cd7c73e3fb00dee567.zip",
        pictures_sha256="1b1d8b2fa7d3ca99a7f807bcbb17d11e91aab2ad9634ba06a509fc7379a3f10a",
        masks="ground_truth",
        hint=_NO_SPARE,
    ),
    Entry(
        name="aliens",
        what="toy figures with missing or altered parts, image labels only (118 pictures)",
        licence="documentation CC BY-SA 4.0",
        page="https://github.com/aws-samples/amazon-lookout-for-vision",
        place="inspection/aliens",
        size=13734054,
        sha256="e5ff2eaed5407ba7fcfadd2712efad43db49afbb6a70835671e4d265c4d34f85",
        address="https://github.com/aws-samples/amazon-lookout-for-vision/archive/"
        "14bed61caa82d07bcbd32ca583359eacfd954c30.zip",
        pictures_sha256="2994fc7ce6f0923ad65b904e2abb155d20cc6efceb43af9a08a6c0a7f1b1c5ea",
        hint=_NO_SPARE,
    ),
    Entry(
        name="emoji_64",
        what="1,911 captioned emoji of 64 px, RGBA",
        licence="Apache-2.0 (Noto)",
        page="https://github.com/iamcal/emoji-data",
        place="captions/emoji_64",
        size=6264812,
        sha256="59e8680dd0fa9143177968b80969e1ef923d64cc12c9a5a9541db0c14f1bed7a",
        hint="Run `npm pack emoji-datasource-google@16.0.0`; the captions are in its emoji.json",
    ),
    Entry(
        name="excavators",
        what="5,485 maintenance work orders of excavators",
        licence="public domain",
        page="https://github.com/usnistgov/nestor",
        place="text/excavators.csv",
        size=286536,
        sha256="4fdc10728bb8d579ae310ee12bb613dc7068ded2050c301674e78bbfbbd189f0",
        address="https://raw.githubusercontent.com/usnistgov/nestor/5f63fc51885b5cab820516a90715baef5b5fa9ed/"
        "nestor/datasets/excavators.csv",
        address_sha256="4fdc10728bb8d579ae310ee12bb613dc7068ded2050c301674e78bbfbbd189f0",
    ),
    Entry(
        name="tinyshakespeare",
        what="1.1 MB of Shakespeare in one text file",
        licence="MIT",
        page="https://github.com/karpathy/char-rnn",
        place="text/tinyshakespeare.txt",
        size=1115394,
        sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        address="https://raw.githubusercontent.com/karpathy/char-rnn/d1d7aa34fdb3626174bce1d753e6cc6845ce7087/"
        "data/tinyshakespeare/input.txt",
        address_sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    ),
    Entry(
        name="bolt_conveyor",
        what="bolts of several sizes on a conveyor, 480 x 270, 16.7 frames a second (gif)",
        licence="CC BY 4.0",
        page="https://github.com/intel-iot-devkit/sample-videos",
        place="video/bolt-multi-size-detection.gif",
        size=1627416,
        sha256="dc3e3da2afbecb50ef0e221051fb41d523fa989b9052c214df3d5c801dee2e0a",
        address="https://raw.githubusercontent.com/intel-iot-devkit/sample-videos/"
        "57978890822836f2b4743852f04f62fc511757e4/preview/bolt-multi-size-detection.gif",
        address_sha256="dc3e3da2afbecb50ef0e221051fb41d523fa989b9052c214df3d5c801dee2e0a",
    ),
    Entry(
        name="fruit_conveyor",
        what="fruit and vegetables on a conveyor, 480 x 270, 16.7 frames a second (gif)",
        licence="CC BY 4.0",
        page="https://github.com/intel-iot-devkit/sample-videos",
        place="video/fruit-and-vegetable-detection.gif",
        size=2937415,
        sha256="e4cd631701146c47a012edf4376a8e9911fec1978b928cc9693ec77ad9ab7a18",
        address="https://raw.githubusercontent.com/intel-iot-devkit/sample-videos/"
        "57978890822836f2b4743852f04f62fc511757e4/preview/fruit-and-vegetable-detection.gif",
        address_sha256="e4cd631701146c47a012edf4376a8e9911fec1978b928cc9693ec77ad9ab7a18",
    ),
)
