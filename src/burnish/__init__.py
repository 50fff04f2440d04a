"""Burnish: own a diffusion model on your own pictures; make, refine, inspect, and prove it.

```python
import burnish

burnish.train("pictures", "bundle", minutes=20)
model = burnish.load("bundle")
for picture in burnish.make(model, "red heart", n=4, steps=8, guidance=3, seed=7):
    ...                                          # uint8 (size, size, 3)
session = burnish.Session(model, "red heart")    # step by step, with a hand on it
```

`import burnish` alone needs neither torch nor anything else: a name is imported when it is first used.
`train` and `inspect` are also packages of that name, which can be called.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from burnish import inspect, train
    from burnish.verbs.load import load
    from burnish.verbs.make import make
    from burnish.verbs.refine import refine
    from burnish.verbs.session import Session

__version__ = "0.1.0"
__all__ = ["Session", "__version__", "inspect", "load", "make", "refine", "train"]

_PLACES = {
    "Session": "burnish.verbs.session",
    "load": "burnish.verbs.load",
    "make": "burnish.verbs.make",
    "refine": "burnish.verbs.refine",
}


def __getattr__(name: str) -> Any:
    if name in ("inspect", "train"):
        return import_module(f"burnish.{name}")
    if name not in _PLACES:
        raise AttributeError(f"module 'burnish' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
