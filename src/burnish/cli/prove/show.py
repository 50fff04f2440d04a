"""Plain text on the terminal."""


def say(text: object) -> None:
    """Prints `str(text)` as it is."""
    from rich.console import Console

    Console().print(str(text), soft_wrap=True, markup=False, highlight=False)
