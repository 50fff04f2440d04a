"""Packages that can be called: `burnish.train(...)` beside `burnish.train.loop`."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def make_callable(package: str, place: str, name: str) -> None:
    """Lets a package be called as the function `name` of the module `place`, which is imported at the first
    call.

    Python allows a module's class to be set (Data model, "Customizing module attribute access").

    Args:
        package: The package's `__name__`.
        place: Full name of the module.
        name: The function.
    """

    class Callable(ModuleType):
        def __call__(self, *arguments: Any, **more: Any) -> Any:
            return getattr(import_module(place), name)(*arguments, **more)

    sys.modules[package].__class__ = Callable
