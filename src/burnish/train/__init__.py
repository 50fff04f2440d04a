"""Training: called, it is `train.any.train`."""

from burnish.callable import make_callable

make_callable(__name__, "burnish.train.any", "train")
