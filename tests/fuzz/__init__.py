"""Mutated bytes through every parser: `make fuzz`.

Each module of this package that has a `TARGETS` takes part, so a room adds its parsers in a file of its own. A target is whatever reads
bytes or text of outside; it may return, or raise a ConnexaError with one of its codes. Anything else is a bug, printed with its frame.
"""
