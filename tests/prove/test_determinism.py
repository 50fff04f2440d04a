"""One seed, one picture: and the check finds it where that is not so."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from burnish.errors import BurnishError
from burnish.prove import determinism as module
from burnish.prove.determinism import Watched, determinism
from burnish.prove.report.standing import LIKELY, state_of
from burnish.verbs.load import load
from tiny_bundles import generator


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("determinism") / "b"
    generator(path, classes=2)
    return path


def test_batch_order_and_process_do_not_change_a_seed(bundle, record_property):
    found = determinism(bundle, "cat", n=9, steps=4, seed=3)
    assert found.noise and found.strict and found.holds
    assert found.batches[1] == 0
    assert max(*found.batches.values(), found.permuted) <= found.tolerance == 2
    assert "the same bytes" in str(found) and found.to_json()["holds"]
    batches, strict = found.figures("abc", "burnish prove determinism b")
    assert (state_of(batches), state_of(strict)) == (LIKELY, LIKELY) and strict.value == 0
    assert batches.value == max(*found.batches.values(), found.permuted) and batches.subject == "abc"
    record_property("measured", "; ".join(str(found).splitlines()[1:4]))


def test_noise_that_depends_on_the_batch_is_found(bundle, monkeypatch):
    def one_for_all(self, shape, rng=None):
        first = rng[0] if isinstance(rng, list) else rng
        noise = self.process.prior(shape, first)
        self.hashes += [str(float(one.sum())) for one in noise]
        return noise

    monkeypatch.setattr(Watched, "prior", one_for_all)
    monkeypatch.setattr(module, "_twice", lambda *_: True)
    found = determinism(bundle, n=4, steps=2)
    assert not found.noise and not found.holds and "NO" in str(found)


def test_a_network_that_looks_at_its_neighbours_is_found(bundle, monkeypatch):
    class Nosy(torch.nn.Module):
        def __init__(self, denoiser):
            super().__init__()
            self.denoiser, self.net = denoiser, denoiser.net

        def forward(self, x, t, condition=None):
            answer = self.denoiser(x, t, condition)
            return replace(answer, mean=answer.mean + 0.2 * x.mean(0, keepdim=True))

    model = load(bundle)
    monkeypatch.setattr(module, "load", lambda _: replace(model, denoiser=Nosy(model.denoiser)))
    monkeypatch.setattr(module, "_twice", lambda *_: True)
    found = determinism(bundle, n=4, steps=2)
    assert found.noise and found.batches[2] > 2 and not found.holds


def test_other_bytes_in_another_process_are_found(bundle, monkeypatch):
    def run(command, **_):
        folder = Path(command[command.index("--out") + 1])
        for name in ("00000.png", "00001.png"):
            (folder / name).write_text(f"{name} {folder}")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(module.subprocess, "run", run)
    found = determinism(bundle, n=2, steps=1)
    assert not found.strict and not found.holds and "DIFFERENT" in str(found)


def test_one_picture_is_too_few(bundle):
    with pytest.raises(BurnishError, match="at least 2"):
        determinism(bundle, n=1)
