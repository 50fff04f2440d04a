import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
import form


@pytest.mark.parametrize(
    ("value", "target", "better", "holds"),
    [
        (61.0, 60, "higher", True),
        (60.0, 60, "higher", True),
        (59.0, 60, "higher", False),
        (1.9, 2, "lower", True),
        (2.1, 2, "lower", False),
        (float("nan"), 2, "lower", False),
        (None, 2, "lower", False),
        (5.0, None, "higher", None),
    ],
)
def test_a_target_holds_or_not(value, target, better, holds):
    assert form.row("x", value, target=target, better=better)["holds"] is holds


def test_the_file_has_the_one_form_and_the_table_the_same(tmp_path, capsys):
    rows = [form.row("AUROC", 0.97, "", peer=0.838, target=0.96, seeds=[0, 1, 2]), form.row("miss", None)]
    path = form.write("sample", "make bench-sample", rows, tmp_path)
    found = json.loads(path.read_text())
    assert path == tmp_path / "sample.json" and list(found) == ["machine", "command", "rows"]
    assert found["rows"] == rows and found["command"] == "make bench-sample"
    assert set(found["rows"][0]) == {"row", "value", "unit", "peer", "target", "holds", "seeds"}
    assert found["machine"]["cores"] >= 1 and found["machine"]["processor"]
    printed = capsys.readouterr().out
    assert "| AUROC | 0.97 |  | 0.838 | 0.96 | yes | 0, 1, 2 |" in printed
    assert "| miss | - |  | - | - | - | - |" in printed


def test_a_row_of_another_form_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(ValueError, match="columns"):
        form.write("sample", "x", [{"row": "x", "value": 1}], tmp_path)
    with pytest.raises(ValueError, match="better"):
        form.row("x", 1.0, better="more")
    assert list(tmp_path.iterdir()) == []
