"""The command passes its options on and prints the figures; the inspector itself is a stand-in."""

import json
import sys
import types

import numpy as np
import typer
from PIL import Image
from typer.testing import CliRunner

from burnish.cli.evaluate import evaluate


def test_table_json_and_report(tmp_path, monkeypatch):
    rows = ["image,label,mask,split,group"]
    for i in range(6):
        Image.fromarray(np.full((64, 64, 3), 200 if i % 2 else 30, np.uint8)).save(tmp_path / f"{i}.png")
        rows.append(f"{i}.png,{'dent' if i % 2 else 'good'},,test,")
    (tmp_path / "split.csv").write_text("\n".join(rows))
    meta = {"side": 64, "threshold": 0.5, "good_scores": [0.1, 0.5], "wanted": 0.4, "model_hash": "m1"}
    seen = []

    def for_line(bundle):
        seen.append(bundle)
        return (lambda x: (x.mean((1, 2, 3)), x[:, 0, ::4, ::4])), meta, []

    monkeypatch.setitem(sys.modules, "burnish.inspect.detector", types.SimpleNamespace(for_line=for_line))
    app = typer.Typer()
    app.command()(evaluate)
    files = tmp_path / "e.json", tmp_path / "e.html"
    arguments = ["bundle", str(tmp_path), "--json", str(files[0]), "--report", str(files[1])]
    ran = CliRunner().invoke(
        app, [*arguments, "--eur-per-escape", "80", "--watts", "20", "--wanted-misses", "0.02"]
    )
    assert ran.exit_code == 0, ran.output
    assert "Of 3 bad parts 0 were missed" in ran.output and "e.html" in ran.output
    assert str(seen[0]) == "bundle"
    plain = json.loads(files[0].read_text())
    assert plain["money"]["assumptions"]["eur_per_escape"] == 80
    assert plain["money"]["assumptions"]["watts"] == 20 and plain["proof"]["misses"]["wanted"] == 0.02
    assert "<h1>" in files[1].read_text()
