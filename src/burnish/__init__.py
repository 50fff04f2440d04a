"""Burnish: own a diffusion model on your own pictures; make, refine, inspect, and prove it."""

__version__ = "0.1.0"
