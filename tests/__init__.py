"""Tests mirror `src/connexa`; `scenarios` tells stories across programs, `fuzz` throws mutated bytes, `house` watches the building."""
