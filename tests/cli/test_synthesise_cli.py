"""`burnish inspect synthesise` on a small bundle."""

import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from burnish.cli.synthesise import synthesise
from burnish.errors import BundleError
from burnish.inspect.pairs import Shot
from burnish.inspect.shots import FOLDER
from burnish.inspect.synthesise import Perlin, save_synthesiser
from burnish.store.bundle import write_bundle


def run(*arguments: str):
    app = typer.Typer()
    app.command()(synthesise)
    return CliRunner().invoke(app, [*arguments])


def test_pairs_from_a_bundle(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(90, 110, (64, 64, 3), dtype=np.uint8)
    good = Shot(image, np.zeros((64, 64), bool), "good", "g")
    write_bundle(
        tmp_path / "b",
        {"kind": "inspector"},
        lambda f: save_synthesiser(f / FOLDER, Perlin([good]), [good]),
    )
    result = run(str(tmp_path / "b"), "--n", "3", "--out", str(tmp_path / "o"), "--seed", "1")
    assert result.exit_code == 0, result.output
    assert "3 pairs (3 unseen)" in result.output
    assert len(list((tmp_path / "o" / "images" / "unseen").glob("*.png"))) == 3


def test_a_bundle_without_synthesisers_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b", {"kind": "inspector"}, lambda folder: None)
    result = run(str(tmp_path / "b"), "--out", str(tmp_path / "o"))
    assert isinstance(result.exception, BundleError) and "holds no synthesiser" in str(result.exception)
    with pytest.raises(BundleError):
        raise result.exception
    assert not (tmp_path / "o").exists() and "burnish.cli.synthesise" in sys.modules
