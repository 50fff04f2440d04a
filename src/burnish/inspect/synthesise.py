"""New defective parts with true labels: which synthesisers there are."""

from burnish.inspect.cutpaste import CutPaste
from burnish.inspect.pairs import Pair, Shot, Synthesiser
from burnish.inspect.perlin import Perlin

__all__ = ["CutPaste", "Pair", "Perlin", "Shot", "Synthesiser"]
