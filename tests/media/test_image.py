import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from burnish.errors import ImageError
from burnish.media.image import fit, fit_mask, fit_size, read_image, read_mask, write_png


def gradient(height: int = 12, width: int = 20) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 10, columns * 10, rows * 0 + 60], axis=2).astype(np.uint8)


def png_of_zeros(width: int, height: int) -> bytes:
    """A well-formed black 1-bit PNG of any size, in little space: what a decompression bomb looks like."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_rgb_comes_back_as_it_was(tmp_path):
    write_png(tmp_path / "a.png", gradient())
    assert np.array_equal(read_image(tmp_path / "a.png"), gradient())


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
        ("LA", (90, 255), (90, 90, 90)),
        ("LA", (90, 0), (255, 255, 255)),
        ("P", 0, (0, 0, 0)),
    ],
)
def test_modes_become_rgb_on_white(tmp_path, mode, value, expected):
    Image.new(mode, (4, 3), value).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.shape == (3, 4, 3) and image.dtype == np.uint8
    assert np.array_equal(image, np.broadcast_to(np.uint8(expected), (3, 4, 3)))


def test_transparent_palette_is_put_on_white(tmp_path):
    picture = Image.new("P", (4, 4), 3)
    picture.putpalette([0, 0, 0] * 3 + [200, 10, 10] + [0, 0, 0] * 252)
    picture.save(tmp_path / "solid.png")
    picture.save(tmp_path / "clear.png", transparency=3)
    assert tuple(read_image(tmp_path / "solid.png")[0, 0]) == (200, 10, 10)
    assert tuple(read_image(tmp_path / "clear.png")[0, 0]) == (255, 255, 255)


def test_cmyk_jpeg(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    red, green, blue = read_image(tmp_path / "a.jpg")[8, 8].astype(int)
    assert red > 240 and green < 15 and blue < 15


@pytest.mark.parametrize(("top", "expected"), [(65535, [0, 128, 255]), (4095, [0, 128, 255])])
def test_16_bit_gray_is_scaled_by_the_range_it_uses(tmp_path, top, expected):
    values = np.array([[0, round(top * 128 / 255), top]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[0, :, 0].tolist() == expected


def test_floating_tiff(tmp_path):
    Image.fromarray(np.array([[0.0, 0.5, 1.0, np.nan]], np.float32)).save(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif")[0, :, 1].tolist() == [0, 128, 255, 0]


def rgb16(path: Path, values: np.ndarray) -> None:
    height, width = values.shape[:2]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def test_16_bit_colour_keeps_the_high_byte_and_refuses_12_bit_data(tmp_path):
    rgb16(tmp_path / "full.png", np.full((2, 2, 3), 0xABCD))
    assert read_image(tmp_path / "full.png")[0, 0].tolist() == [0xAB] * 3
    rgb16(tmp_path / "dark.png", np.full((2, 2, 3), 0x0ABC))
    with pytest.raises(ImageError, match="12 bits"):
        read_image(tmp_path / "dark.png")


def test_exif_rotation_is_applied_to_pictures_only(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    Image.fromarray(gradient()).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "a.png"), np.rot90(gradient(), -1))
    assert read_mask(tmp_path / "a.png", (12, 20)).shape == (12, 20)


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("L", (5, 5), value) for value in (40, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "a.gif")[0, 0, 0] == 40


def broken(kind: str) -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    if kind == "truncated jpeg":
        Image.fromarray(noise).save(stream, "JPEG")
        return stream.getvalue()[:900]
    if kind == "truncated png":
        Image.fromarray(noise).save(stream, "PNG")
        return stream.getvalue()[:2000]
    if kind == "flipped png":
        Image.fromarray(noise).save(stream, "PNG")
        data = bytearray(stream.getvalue())
        data[1000] ^= 255
        return bytes(data)
    return {"text": b"this is no picture", "empty": b"", "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n"}[kind]


@pytest.mark.parametrize("kind", ["truncated jpeg", "truncated png", "flipped png", "text", "empty", "eps"])
def test_broken_files_are_named_with_a_cure(tmp_path, kind):
    path = tmp_path / "schön und gut.png"
    path.write_bytes(broken(kind))
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert caught.value.thing == str(path) and caught.value.reason and caught.value.cure


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none.png", tmp_path, "nul\0.png"):
        with pytest.raises(ImageError):
            read_image(path)


@pytest.mark.parametrize("size", [(20_000, 20_000), (12_000, 9_000)])
def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path, size):
    (tmp_path / "bomb.png").write_bytes(png_of_zeros(*size))
    with pytest.raises(ImageError, match="too large") as caught:
        read_image(tmp_path / "bomb.png")
    assert "Crop" in caught.value.cure


def test_paths_with_spaces_and_other_scripts(tmp_path):
    path = tmp_path / "Prüfling 部品" / "gut – 1.png"
    write_png(path, gradient())
    assert read_image(path).shape == (12, 20, 3)


def test_mask_threshold_palette_and_alpha(tmp_path):
    Image.fromarray(np.array([[0, 127, 128, 255]], np.uint8)).save(tmp_path / "gray.png")
    assert read_mask(tmp_path / "gray.png", (1, 4)).tolist() == [[False, False, True, True]]
    Image.new("RGBA", (2, 1), (255, 255, 255, 0)).save(tmp_path / "clear.png")
    assert not read_mask(tmp_path / "clear.png", (1, 2)).any()
    Image.new("1", (2, 1), 1).save(tmp_path / "bits.png")
    assert read_mask(tmp_path / "bits.png", (1, 2)).all()


def test_mask_of_another_size_says_both(tmp_path):
    write_png(tmp_path / "m.png", np.zeros((4, 6), bool))
    with pytest.raises(ImageError, match="6 x 4 but its picture is 8 x 5"):
        read_mask(tmp_path / "m.png", (5, 8))


def test_write_png_keeps_text_and_bools(tmp_path):
    write_png(tmp_path / "deep" / "m.png", np.eye(3, dtype=bool), {"seed": "7", "was": "schön"})
    with Image.open(tmp_path / "deep" / "m.png") as picture:
        assert picture.text == {"seed": "7", "was": "schön"}
    assert np.array_equal(read_image(tmp_path / "deep" / "m.png")[:, :, 0], np.eye(3) * 255)


def test_write_png_refuses_other_arrays(tmp_path):
    for array in (np.zeros((2, 2, 5), np.uint8), np.zeros((2, 2)), np.zeros(3, np.uint8)):
        with pytest.raises(ImageError, match="cannot write"):
            write_png(tmp_path / "a.png", array)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    write_png(tmp_path / "a.png", gradient())
    before = (tmp_path / "a.png").read_bytes()

    def full(self, stream, **options):
        Path(stream).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(ImageError, match="No space left"):
        write_png(tmp_path / "a.png", gradient() * 0)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


@given(
    height=st.integers(16, 3000),
    width=st.integers(16, 3000),
    side=st.integers(64, 512),
    multiple=st.sampled_from([8, 32]),
)
def test_fit_keeps_aspect_and_area_up_to_rounding(height, width, side, multiple):
    h, w = fit_size(height, width, side, multiple)
    scale = side / (height * width) ** 0.5
    assert h % multiple == 0 and w % multiple == 0
    for new, old in ((h, height), (w, width)):
        assert new == multiple if old * scale < multiple / 2 else abs(new - old * scale) <= multiple / 2


def test_fit_gives_that_size_and_keeps_the_mean():
    image = np.random.default_rng(0).integers(0, 255, (300, 500, 3), np.uint8)
    fitted = fit(image, 128)
    assert fitted.shape == (*fit_size(300, 500, 128), 3) == (96, 160, 3)
    assert abs(fitted.mean() - image.mean()) < 1
    assert np.array_equal(fit(fitted, 124), fitted)  # already of that size: unchanged
    assert fit(image[:20, :20], 64).shape == (64, 64, 3)


def pieces(mask: np.ndarray) -> int:
    from scipy.ndimage import label

    return label(mask, np.ones((3, 3)))[1]


@settings(deadline=None, max_examples=150)
@given(
    x=st.floats(0, 399),
    y=st.floats(0, 299),
    angle=st.floats(0, np.pi),
    length=st.floats(30, 300),
    side=st.integers(64, 300),
)
def test_a_hairline_survives_fitting_along_its_whole_length(x, y, angle, length, side):
    t = np.linspace(0, 1, 800)
    rows = np.clip(y + t * length * np.sin(angle), 0, 299).astype(int)
    columns = np.clip(x + t * length * np.cos(angle), 0, 399).astype(int)
    mask = np.zeros((300, 400), bool)
    mask[rows, columns] = True
    fitted = fit_mask(mask, side)
    height, width = fitted.shape
    near = np.pad(fitted, 1)
    cells = {
        (int((r + 0.5) * height / 300), int((c + 0.5) * width / 400))
        for r, c in zip(rows, columns, strict=True)
    }
    assert all(near[row : row + 3, column : column + 3].any() for row, column in cells)
    assert fitted.sum() <= 2 * len(cells) + 4  # at most two wide, where it runs between two pixels


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 12), side=st.integers(64, 256))
def test_no_speck_is_lost(seed, count, side):
    rng = np.random.default_rng(seed)
    mask = np.zeros((512, 512), bool)
    mask[rng.integers(0, 512, count), rng.integers(0, 512, count)] = True
    fitted = fit_mask(mask, side)
    new = len(fitted)
    touched = np.zeros_like(fitted)
    for row, column in np.argwhere(mask):
        low, high = (
            (row * new // 512, column * new // 512),
            (-(-(row + 1) * new // 512), -(-(column + 1) * new // 512)),
        )
        touched[low[0] : high[0], low[1] : high[1]] = True
    assert not (fitted & ~touched).any()
    assert pieces(fitted) >= pieces(touched)


def test_fit_mask_of_a_large_area_keeps_the_area():
    mask = np.zeros((600, 600), bool)
    mask[100:400, 200:500] = True
    fitted = fit_mask(mask, 128)
    assert abs(fitted.mean() - mask.mean()) < 0.02
    assert np.array_equal(fit_mask(fitted, 128), fitted)
