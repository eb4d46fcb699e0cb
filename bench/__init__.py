"""Every figure that Connexa claims, one command each: `python -m bench NAME --json`."""

from __future__ import annotations
