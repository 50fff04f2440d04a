"""Inspecting parts: called, it is `inspect.look.inspect`."""

from burnish.callable import make_callable

make_callable(__name__, "burnish.inspect.look", "inspect")
