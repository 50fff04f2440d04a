"""Checkpoints: what goes in comes out, whole or not at all."""

import pytest
import torch

from burnish.errors import BundleError
from burnish.train import checkpoint
from burnish.train.checkpoint import read_checkpoint, write_checkpoint


def test_nested_states_come_back_as_they_were(tmp_path):
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.ones(3))])
    optimiser.param_groups[0]["params"][0].grad = torch.ones(3)
    optimiser.step()
    state = {"optimiser": optimiser.state_dict(), "best": None, "name": "é", "n": [1, 2.5, True], 7: {}}
    write_checkpoint(tmp_path / "c", state)
    back = read_checkpoint(tmp_path / "c")
    assert torch.equal(back["optimiser"]["state"][0]["exp_avg"], state["optimiser"]["state"][0]["exp_avg"])
    assert back["optimiser"]["param_groups"][0]["lr"] == 1e-3
    assert (back["best"], back["name"], back["n"], back[7]) == (None, "é", [1, 2.5, True], {})


def test_shared_and_strided_tensors_are_saved_apart(tmp_path):
    base = torch.arange(6.0).reshape(2, 3)
    write_checkpoint(tmp_path / "c", {"a": base.T, "b": base, "c": base[0]})
    back = read_checkpoint(tmp_path / "c")
    assert torch.equal(back["a"], base.T)
    assert torch.equal(back["c"], base[0])


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    write_checkpoint(tmp_path / "c", {"step": 1})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(BundleError, match="No space left"):
        write_checkpoint(tmp_path / "c", {"step": 2})
    assert read_checkpoint(tmp_path / "c") == {"step": 1}
    assert [f.name for f in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x08\0\0\0\0\0\0\0{}      "])
def test_damage_is_told(tmp_path, content):
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(BundleError, match="damaged"):
        read_checkpoint(tmp_path / "c")


def test_absence_is_told(tmp_path):
    with pytest.raises(BundleError, match="not there"):
        read_checkpoint(tmp_path / "c")
