"""Codes of a tiny autoencoder: there and back, in a bundle, and what is no autoencoder is refused."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from burnish.errors import BundleError, BurnishError
from burnish.media.image import read_image
from burnish.nets.latents import Latents, load_autoencoder
from burnish.nets.tae import TinyAutoencoder

REAL = Path(os.environ.get("BURNISH_DATA", "nowhere")).parent / "weights"
EMOJI = Path(os.environ.get("BURNISH_DATA", "nowhere")) / "captions" / "emoji_64"


def tiny():
    torch.manual_seed(0)
    return TinyAutoencoder(width=8, latent=4)


def pictures(count=3, height=32, width=48):
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (count, height, width, 3), dtype=np.uint8)


def write(folder, net, suffix=".safetensors"):
    folder.mkdir(exist_ok=True)
    for half in ("encoder", "decoder"):
        state = getattr(net, half).state_dict()
        if suffix == ".pth":
            torch.save({k: v.half() for k, v in state.items()}, folder / f"tiny_{half}.pth")
        else:
            save_file(state, folder / f"tiny_{half}.safetensors")
    return folder


def test_codes_have_unit_variance_and_an_eighth_of_the_side():
    images = pictures()
    codec = Latents.of(list(images), tiny())
    codes = codec.encode(images)
    assert codes.shape == (3, 4, 4, 6)
    assert codes.dtype == np.float32
    assert np.allclose(codes.mean((0, 2, 3)), 0, atol=1e-4)
    assert np.allclose(codes.std((0, 2, 3)), 1, atol=1e-3)
    assert codec.encode(images[:, :31, :45]).shape == (3, 4, 3, 5)
    assert (codec.factor, codec.channels, codec.gray) == (8, 4, False)


def test_a_decoded_picture_does_not_depend_on_its_neighbours():
    codec = Latents.of(list(pictures()), tiny())
    codes = codec.encode(pictures())
    together = codec.decode(codes)
    assert together.shape == (3, 32, 48, 3)
    assert all((codec.decode(codes[k : k + 1])[0] == together[k]).all() for k in range(3))


def test_gray_pictures_stay_gray():
    gray = np.repeat(pictures()[..., :1], 3, 3)
    codec = Latents.of(list(gray), tiny())
    back = codec.decode(codec.encode(gray))
    assert codec.gray
    assert (back == back[..., :1]).all()


def test_a_bundle_carries_it_in_half_precision(tmp_path):
    images = pictures()
    codec = Latents.of(list(images), tiny())
    codec.save(tmp_path)
    again = Latents.open(codec.to_json(), tmp_path)
    codes = codec.encode(images)
    assert np.allclose(again.encode(images), codes, atol=0.05)
    assert np.abs(again.decode(codes).astype(int) - codec.decode(codes)).max() <= 2
    half = Latents(codec.net, codec.mean, codec.deviation, reads=False)
    half.save(tmp_path)
    blind = Latents.open(half.to_json(), tmp_path)
    assert (blind.decode(codes) == again.decode(codes)).all()
    with pytest.raises(BurnishError, match="its encoder was left out"):
        blind.encode(images)
    with pytest.raises(BundleError, match="not the autoencoder"):
        Latents.open({**codec.to_json(), "reads": True}, tmp_path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_the_two_files_are_read(tmp_path, suffix):
    net = tiny()
    read = load_autoencoder(write(tmp_path, net, suffix))
    assert (read.width, read.latent) == (8, 4)
    x = torch.rand(1, 3, 16, 16)
    assert torch.allclose(read.decode(read.encode(x)), net.decode(net.encode(x)), atol=0.02)
    assert not any(p.requires_grad for p in read.parameters())


class Harm:
    def __reduce__(self):
        return (print, ("harm",))


def test_what_is_no_autoencoder_is_refused(tmp_path, capsys):
    with pytest.raises(BurnishError, match="holds no"):
        load_autoencoder(tmp_path)
    write(tmp_path, tiny())
    (tmp_path / "tiny_decoder.safetensors").write_bytes(b"broken")
    with pytest.raises(BurnishError, match="cannot be read"):
        load_autoencoder(tmp_path)
    (tmp_path / "tiny_decoder.safetensors").unlink()
    (tmp_path / "tiny_decoder.pth").write_bytes(pickle.dumps(Harm()))
    with pytest.raises(BurnishError, match=r"cannot be read|more than tensors"):
        load_autoencoder(tmp_path)
    assert "harm" not in capsys.readouterr().out
    save_file({"0.weight": torch.zeros(8, 3, 3, 3)}, tmp_path / "tiny_decoder.safetensors")
    (tmp_path / "tiny_decoder.pth").unlink()
    with pytest.raises(BurnishError, match="another decoder"):
        load_autoencoder(tmp_path)


@pytest.mark.skipif(not REAL.is_dir() or not EMOJI.is_dir(), reason="needs taef2 and the emoji set")
def test_the_real_one_gives_back_what_it_read():
    images = np.stack([read_image(file) for file in sorted(EMOJI.glob("*.png"))[:200:40]])
    codec = Latents.of(list(images), load_autoencoder(REAL))
    error = codec.decode(codec.encode(images)).astype(float) - images
    psnr = 10 * np.log10(255**2 / (error**2).mean((1, 2, 3)))
    assert psnr.mean() > 25
    assert codec.channels == 32
