"""The charts of the repository change if and only if their numbers do."""

from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="the extra `bench` is not installed")

from benchmarks.charts import draw
from benchmarks.curve import Curve

CURVES = {
    "held-snapshot": [Curve("ours", [1, 2, 3], [10, 11, 10]), Curve("plain", [1, 2], [9, 1])],
    "batch-size": [Curve("ours", [1, 10, 100], [1, 2, 3])],
    "backlog": [Curve("ours", [1, 10, 100], [3, 3, 3])],
}


def test_equal_numbers_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        draw(tmp_path / name, CURVES, [1.5, 0.5, 9.0])

    written = {file.name: file.read_bytes() for file in (tmp_path / "one").iterdir()}

    assert {"held-snapshot.svg", "batch-size.svg", "backlog.svg", "delay.svg"} == set(written)
    for name, content in written.items():
        assert content == (tmp_path / "other" / name).read_bytes()
        assert str(tmp_path).encode() not in content
        assert b"<dc:date>" not in content


def test_a_curve_without_measurements_is_not_drawn(tmp_path: Path) -> None:
    draw(tmp_path, {"backlog": CURVES["backlog"], "batch-size": []}, [])

    assert ["backlog.svg"] == [file.name for file in tmp_path.iterdir()]
