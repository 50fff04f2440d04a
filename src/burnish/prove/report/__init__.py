"""The monthly report: one page for the board, its JSON twin, sealed, and signed by whoever has read it."""
