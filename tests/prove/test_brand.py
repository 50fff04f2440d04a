"""Brand rules: each has a clean twin that passes and a broken twin that fails that rule alone."""

import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw, ImageFilter

from burnish.errors import BurnishError
from burnish.media.image import write_png
from burnish.prove.brand import check, check_files, distance, pictures_of, sharpness
from burnish.prove.brand_rules import read_rules

INK, RUST, PAPER = (29, 33, 38), (194, 86, 43), (255, 255, 255)


def logo(side=60):
    """A ring, a bar and a dot: no quarter like another."""
    image = Image.new("RGB", (side, side), PAPER)
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, side - 5, side - 5), outline=INK, width=6)
    draw.rectangle((side // 2 - 4, 12, side // 2 + 3, side - 13), fill=RUST)
    draw.ellipse((side - 24, side - 26, side - 14, side - 16), fill=INK)
    return image


def product(altered=False, colour=RUST):
    """A bottle; altered, its cap is another."""
    image = Image.new("RGB", (80, 140), PAPER)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((10, 40, 69, 135), 10, fill=colour, outline=INK, width=3)
    if altered:
        draw.polygon(((25, 39), (54, 39), (40, 4)), fill=INK)
    else:
        draw.rectangle((28, 6, 51, 39), fill=INK)
    draw.rectangle((18, 70, 61, 105), fill=PAPER, outline=INK, width=2)
    return image


def picture(at=(30, 220), size=(320, 320), ground=PAPER, **changes):
    """A clean picture: a bottle in the middle, a logo below on the left."""
    image = Image.new("RGB", size, ground)
    image.paste(product(**changes), (150, 60))
    image.paste(logo(), at)
    return image


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("brand")
    write_png(folder / "product.png", np.asarray(picture()))
    mask = np.zeros((320, 320), bool)
    mask[60:200, 150:230] = True
    write_png(folder / "mask.png", mask)
    write_png(folder / "logo.png", np.asarray(logo()))
    stated = {
        "aspect": {"width": 1, "height": 1},
        "palette": {"colours": ["#1d2126", "#c2562b", "white"], "distance": 10, "share": 0.97},
        "safe_area": {"margin": 0.05},
        "sharpness": {"least": 150},
        "forbidden": [{"name": "price tag", "region": [0.8, 0.0, 1.0, 0.2]}],
        "product": {"reference": "product.png", "mask": "mask.png"},
        "logo": {"reference": "logo.png"},
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump(stated))
    return read_rules(folder / "rules.yaml")


def broken(image, rules):
    return {f.rule for f in check(np.asarray(image), rules) if not f.kept}


def test_the_clean_picture_keeps_all_rules(rules):
    found = check(np.asarray(picture()), rules)
    assert len(found) == 9
    assert all(f.kept for f in found), [f.told for f in found if not f.kept]


def with_tag():
    image = picture()
    ImageDraw.Draw(image).rectangle((262, 20, 290, 50), fill=RUST)
    return image


def with_line_at_the_rim():
    image = picture()
    ImageDraw.Draw(image).rectangle((0, 100, 12, 300), fill=INK)
    return image


def without_logo_half():
    """The logo runs out of the picture."""
    image = Image.new("RGB", (320, 320), PAPER)
    image.paste(product(), (150, 60))
    image.paste(logo().crop((0, 0, 60, 40)), (30, 220))
    return image


def green():
    image = picture()
    ImageDraw.Draw(image).rectangle((40, 120, 100, 190), fill=(40, 160, 60))
    return image


TWINS = {
    "palette": (green, "palette"),
    "safe area": (with_line_at_the_rim, "safe area"),
    "aspect": (lambda: picture(size=(320, 320)).resize((352, 320)), "aspect"),
    "sharpness": (lambda: picture().filter(ImageFilter.GaussianBlur(2.5)), "sharpness"),
    "forbidden": (with_tag, "forbidden: price tag"),
    "altered product": (lambda: picture(altered=True), "product, worst place"),
    "product of another colour": (lambda: picture(colour=(120, 120, 50)), "product, colour"),
    "clipped logo": (without_logo_half, "logo"),
}


@pytest.mark.parametrize("name", TWINS)
def test_a_broken_twin_fails_its_own_rule(rules, name, record_property):
    make, rule = TWINS[name]
    failed = broken(make(), rules)
    record_property("measured", f"{name}: fails {', '.join(sorted(failed))}")
    assert rule in failed
    # a blurred or other-shaped picture is another picture of the product too; others break one rule only
    if name not in ("sharpness", "aspect"):
        assert {one.partition(",")[0] for one in failed} <= {rule.partition(",")[0], "product"} | (
            {"palette"} if "colour" in name else set()
        )


def test_every_rule_has_a_broken_twin(rules):
    """The clean twin of each is the clean picture, which keeps all of them."""
    stated = {f.rule.partition(",")[0] for f in check(np.asarray(picture()), rules)}
    assert stated == {rule.partition(",")[0] for _, rule in TWINS.values()}


def test_a_small_change_of_the_logos_place_and_size_passes(rules):
    image = Image.new("RGB", (320, 320), PAPER)
    image.paste(product(), (150, 60))
    image.paste(logo().resize((72, 72), Image.Resampling.LANCZOS), (41, 213))
    assert broken(image, rules) == set()


def test_ciede2000_against_the_published_table():
    """Pairs of Sharma, Wu and Dalal (2005), table 1, through the same function as the pixels go."""
    from skimage.color import deltaE_ciede2000

    for first, second, expected in (
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ):
        assert float(deltaE_ciede2000(np.array(first), np.array(second))) == pytest.approx(expected, abs=1e-4)


def test_a_pixels_distance_is_that_of_coloraide():
    from coloraide import Color

    image = np.array([[RUST, (10, 200, 90)]], np.uint8)
    found = distance(image, "#1d2126")
    for k, colour in enumerate((RUST, (10, 200, 90))):
        expected = Color("srgb", [c / 255 for c in colour]).delta_e(Color("#1d2126"), method="2000")
        assert found[0, k] == pytest.approx(expected, abs=0.05)


def test_sharpness_by_hand():
    """A checkerboard of 0 and 2 has the Laplacian +-8 everywhere: variance 64."""
    board = (np.indices((32, 32)).sum(0) % 2 * 2).astype(np.uint8)
    assert sharpness(np.repeat(board[..., None], 3, -1)) == pytest.approx(64)


def test_a_folder_is_counted_with_bounds(rules, tmp_path):
    for k in range(3):
        write_png(tmp_path / f"{k}.png", np.asarray(picture() if k else with_tag()))
    found = check_files(sorted(tmp_path.glob("*.png")), rules)
    assert (found.kept.count, found.kept.of) == (2, 3)
    assert found.broken["forbidden: price tag"].count == 1
    assert found.to_json()["kept"]["of"] == 3
    assert "2 of 3 keep all rules (9.4 to 99.2 %)" in str(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("palete: {colours: [white]}", "palete"),
        ("palette: {colours: [nocolour]}", "no colour"),
        ("forbidden: [{name: x, region: [0.5, 0, 0.2, 1]}]", "rising"),
        ("aspect: {width: -1, height: 1}", "greater than 0"),
        ("logo: {reference: missing.png}", "not there"),
        ("logo: {reference: missing.png, scales: [0.5, 0.1]}", "scales are"),
        ("- a list", "states no rules"),
        ("sharpness: {}", r"\(sharpness.least is missing\)"),
        ("colour: red", r"\(colour is not known\)"),
        ("a: [", r"is not YAML \(line 1, column 5: [^\n]*\)"),
    ],
)
def test_wrong_rules_are_named(tmp_path, text, told):
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(BurnishError, match=told):
        read_rules(tmp_path / "rules.yaml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BurnishError, match="cannot be read"):
        read_rules(tmp_path / "rules.yaml")


def test_a_folder_is_its_pictures_without_their_sheet(tmp_path):
    for name in ("00000.png", "00001.png", "sheet.png"):
        write_png(tmp_path / name, picture())
    assert [p.name for p in pictures_of([tmp_path])] == ["00000.png", "00001.png"]
    assert pictures_of([tmp_path / "sheet.png"]) == [tmp_path / "sheet.png"]
