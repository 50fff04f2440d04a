"""What a run says before it begins: what was found, what it will do, how long, at what cost."""

import numpy as np
import pytest
from PIL import Image

from burnish.nets import hourglass
from burnish.train import diffusion
from burnish.train.budget import Budget
from burnish.train.pictures import load_pictures
from burnish.train.plan import Tariff


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    def preset(size, **changes):
        return hourglass.preset(size, **{"widths": (32, 32), "depths": (1, 1), "told": 32, **changes})

    monkeypatch.setattr(diffusion, "preset", preset)
    rng = np.random.default_rng(0)
    for k in range(6):
        Image.fromarray(rng.integers(0, 255, (32, 48, 3), dtype=np.uint8)).save(tmp_path / f"{k}.png")
        (tmp_path / f"{k}.txt").write_text(f"picture {k}")
    (tmp_path / "6.png").write_bytes(b"broken")
    return load_pictures(tmp_path, 32)


def test_cost_by_hand():
    """Two hours at 500 W and 0.40 a kWh, and 1.50 an hour rented: 2 (0.2 + 1.5) = 3.40."""
    assert Tariff(500, 0.40, 1.50).cost(120) == pytest.approx(3.40)
    assert "assumed" in Tariff().say(60)
    assert "about 0.019 EUR (65 W at 0.30 EUR a kWh; assumed" in Tariff().say(60)
    assert "about 3.4 USD (500 W at 0.40 USD a kWh, 1.5 an hour rented; your tariff)" in Tariff(
        500, 0.40, 1.50, "USD", stated=True
    ).say(120)


def test_everything_is_told(pictures):
    plan, model = diffusion.prepare(pictures, Budget(minutes=30), 0, few_steps=0.25)
    text = str(plan)
    assert "Found 6 pictures" in text and "(text files; no classes, descriptions; colour)" in text
    assert "left out: 6.png" in text
    assert f"Trains {sum(p.numel() for p in model.parameters()) / 1e6:.1f} M weights at 32 px on 5" in text
    assert "1 are held out" in text
    assert "cut at random along the longer side" in text
    assert "Takes 30 minutes at most, about 0.0097 EUR" in text
    assert "The last 25% of it tune" in text
    assert "Warning: 6 pictures are few" in text


def test_nothing_held_out_is_a_warning(pictures):
    plan, _ = diffusion.prepare(pictures, Budget(steps=10), 0, augmented=False, hold=0)
    assert "Takes 10 updates." in str(plan)
    assert "no pictures are held out" in str(plan)
    assert "Views: only as they are." in str(plan)
    assert len(plan.lesson.train) == 6
