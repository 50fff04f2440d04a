"""The training loop on a line to fit: exact resumption, early stops, what is kept."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from burnish.errors import BundleError
from burnish.train.budget import Budget
from burnish.train.checkpoint import read_checkpoint
from burnish.train.loop import Options, fit

CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {here!r})
import torch
torch.set_num_threads(1)
from test_loop import lesson, network
from burnish.train.budget import Budget
from burnish.train.loop import Options, fit

def slow(progress):
    print(progress.step, flush=True)
    time.sleep(0.02)

options = Options(save_every=0.0, report_every=1, validations=4)
fit(network(), **lesson(), budget=Budget(steps=60), options=options,
    on_progress=slow, checkpoint=Path(sys.argv[1]), resume=True)
"""


def network() -> nn.Module:
    """Has matrices for Muon (36 x 40), others for AdamW, and a buffer."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 36), nn.Tanh(), nn.Linear(36, 40), nn.BatchNorm1d(40), nn.Linear(40, 1))


def lesson():
    """Batches, loss and validation of y = sum(x) with noise from both generators."""

    def batch(step, rng):
        x = torch.from_numpy(rng.normal(size=(8, 4))).float()
        return x, x.sum(1, keepdim=True)

    def loss(model, drawn, rng):
        x, y = drawn
        return (model(x + 0.01 * torch.randn(x.shape, generator=rng)) - y).square().mean()

    def validate(model):
        x = torch.linspace(-1, 1, 64).reshape(16, 4)
        with torch.no_grad():
            return {"loss": float((model(x) - x.sum(1, keepdim=True)).square().mean())}

    return {"batch": batch, "loss": loss, "validate": validate}


def run(checkpoint=None, steps=60, resume=False, on_progress=None, **changes):
    model = network()
    options = Options(save_every=0.0, report_every=1, validations=4, **changes)
    fitted = fit(
        model,
        **lesson(),
        budget=Budget(steps=steps),
        options=options,
        on_progress=on_progress,
        checkpoint=checkpoint,
        resume=resume,
    )
    return model, fitted


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_it_learns_and_keeps_the_best():
    model, fitted = run(steps=300, warmup=5, ema=0.9)
    assert fitted.stopped == "budget"
    assert fitted.step == 300
    assert fitted.best_loss < 0.05 < fitted.curve[0]["loss"]
    assert fitted.best_loss == min(row["loss"] for row in fitted.curve)
    assert lesson()["validate"](model)["loss"] == pytest.approx(fitted.best_loss)


def test_a_run_is_a_function_of_its_seed():
    assert same(run()[0], run()[0])
    assert not same(run()[0], run(seed=1)[0])


def test_resumes_to_the_bit_after_sigkill(tmp_path):
    """A child is killed without warning somewhere in the middle; what is resumed equals what was never
    stopped.
    """
    torch.set_num_threads(1)
    checkpoint = tmp_path / "checkpoint.safetensors"
    code = CHILD.format(here=str(Path(__file__).parent))
    child = subprocess.Popen([sys.executable, "-c", code, str(checkpoint)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= 25:
            break
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    done = read_checkpoint(checkpoint)["fitted"]["step"]
    assert 20 <= done < 60
    resumed, fitted = run(checkpoint, resume=True)
    whole, reference = run()
    assert same(resumed, whole)
    assert fitted.step == 60
    assert [row["loss"] for row in fitted.curve] == [row["loss"] for row in reference.curve]
    assert [row["train"] for row in fitted.curve] == [row["train"] for row in reference.curve]


def test_ctrl_c_ends_between_updates_and_resumes_to_the_bit(tmp_path):
    def interrupt(progress):
        if progress.step == 17:
            os.kill(os.getpid(), signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    _, fitted = run(tmp_path / "c", on_progress=interrupt)
    assert (fitted.stopped, fitted.step) == ("asked", 17)
    assert signal.getsignal(signal.SIGINT) is handler
    resumed, _ = run(tmp_path / "c", resume=True)
    assert same(resumed, run()[0])


def test_stops_at_the_upturn_and_keeps_what_came_before():
    losses = iter([0.5, 0.4, 0.45, 0.46, 0.3])
    kept = []

    def validate(model):
        kept.append({k: v.clone() for k, v in model.state_dict().items()})
        return {"loss": next(losses)}

    model = network()
    fitted = fit(
        model,
        **lesson() | {"validate": validate},
        budget=Budget(steps=50),
        options=Options(validations=5, patience=2),
    )
    assert (fitted.stopped, fitted.best_loss, len(kept)) == ("upturn", 0.4, 4)
    assert all(torch.equal(kept[1][k], v) for k, v in model.state_dict().items())


def test_stops_when_it_copies_and_keeps_what_came_before():
    losses, rates = iter([0.5, 0.4, 0.3, 0.2, 0.1]), iter([0.0, 0.05])
    fitted = fit(
        network(),
        **lesson() | {"validate": lambda model: {"loss": next(losses)}},
        copies=lambda model: next(rates),
        budget=Budget(steps=50),
        options=Options(validations=4),
    )
    assert (fitted.stopped, fitted.best_loss) == ("copies", 0.3)
    assert fitted.curve[-1]["copies"] == 0.05


def test_minutes_are_kept_and_count_over_resumption(tmp_path):
    begin = time.monotonic()
    common = {
        "budget": Budget(minutes=0.5 / 60),
        "options": Options(patience=1000),
        "checkpoint": tmp_path / "c",
    }
    fitted = fit(network(), **lesson(), **common)
    assert 0.5 <= fitted.seconds < 2
    assert time.monotonic() - begin < 3
    again = fit(network(), **lesson(), **common, resume=True)
    assert again.step == fitted.step


def test_progress_tells_the_time_left():
    seen = []
    run(steps=20, on_progress=lambda progress: seen.append(progress) and None)
    etas = [p.eta for p in seen]
    assert all(eta is not None and eta >= 0 for eta in etas)
    assert etas[-1] == 0
    assert seen[-1].validation["loss"] > 0


def test_a_loss_that_is_not_finite_is_an_error():
    with pytest.raises(FloatingPointError, match="at update 0"):
        fit(
            network(),
            **lesson() | {"loss": lambda model, drawn, rng: model(drawn[0]).sum() * float("nan")},
            budget=Budget(steps=5),
        )


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    run(tmp_path / "c", steps=3)
    with pytest.raises(BundleError, match="seed 0"):
        run(tmp_path / "c", steps=3, resume=True, seed=1)
    with pytest.raises(BundleError, match="of another model"):
        fit(
            nn.Linear(4, 1),
            **lesson(),
            budget=Budget(steps=5),
            checkpoint=tmp_path / "c",
            resume=True,
        )
