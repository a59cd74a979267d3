"""Jinyun 缙云: an open, self-hosted digital eco-environment brain."""

__version__ = "0.1.0"
