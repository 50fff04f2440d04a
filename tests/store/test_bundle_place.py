"""Where bundles may be written, and what a work that fails is remembered by."""

from pathlib import Path

import pytest

from burnish.errors import BundleError, BurnishError
from burnish.store.bundle import check_place, read_bundle, write_bundle
from burnish.store.recording import recorded


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    check_place(tmp_path / "new")
    check_place(tmp_path)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BundleError, match="not a bundle"):
        check_place(tmp_path)


def test_a_file_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "inspector.onnx").write_bytes(b"x")
    with pytest.raises(BundleError, match="is not a bundle"):
        read_bundle(tmp_path / "inspector.onnx")


def test_a_card_may_name_files_that_are_not_utf_8(tmp_path: Path) -> None:
    written = write_bundle(tmp_path / "b", {"kind": "line"}, lambda _: None, "strangest: St\udcf6r.png")
    assert (written.path / "card.md").read_text(encoding="utf-8") == "strangest: St\\udcf6r.png"


class Full:
    """Records that cannot be finished, for the disk is full."""

    def begin(self, verb: str, **facts: object) -> int:
        return 1

    def fail(self, numbers: object, error: object) -> None:
        raise BurnishError("records", "cannot be written")


def test_the_error_of_the_work_is_told_even_where_it_cannot_be_recorded() -> None:
    with (
        pytest.raises(BurnishError, match="the 812 verdicts before it are kept"),
        recorded(Full(), "inspect run"),  # type: ignore[arg-type]
    ):
        raise BurnishError("out.jsonl", "cannot take more; the 812 verdicts before it are kept")
