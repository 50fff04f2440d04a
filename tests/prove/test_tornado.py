"""The drawing of a return: bars as long as the swings, widest first, and the axis through zero."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from test_returns import PLAIN, sure

from burnish.prove.returns import Range, returns
from burnish.prove.tornado import tornado

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_as_long_as_the_swings():
    found = returns(replace(PLAIN, cost_per_escape=Range(100, 500, 600), running_cost=Range(700, 800, 900)))
    drawing = ElementTree.fromstring(tornado(found, "EUR"))
    bars = drawing.findall(f"{SVG}rect")
    widths = [float(bar.get("width") or 0) for bar in bars]
    swings = [lever.swing for lever in found.levers]
    assert widths[0] / widths[1] == pytest.approx(swings[0] / swings[1], rel=0.01)
    zero = drawing.find(f"{SVG}line")
    assert zero is not None
    left, at = float(bars[0].get("x") or 0), float(zero.get("x1") or 0)
    assert (at - left) / widths[0] == pytest.approx(400 / 2000, rel=0.01)
    assert bars[0].get("class") == "both"
    assert "cost per escape" in [text.text for text in drawing.findall(f"{SVG}text")]


def test_without_levers_and_with_odd_names_it_is_still_a_drawing():
    drawing = ElementTree.fromstring(tornado(returns(replace(PLAIN, wage=sure(3))), "<&>"))
    assert not drawing.findall(f"{SVG}rect") and "<&>" in (drawing.findall(f"{SVG}text")[0].text or "")
