"""The official test vectors of MLS, run against this library: `python -m connexa.mls.conformance FILE…`.

A file of the mlswg repository's `test-vectors` is one JSON array of cases, all of one of sixteen kinds (`kinds.KINDS`). Each kind has its
procedure, after `test-vectors.md` of that repository; what has two directions is checked in both: what others made is read, and what we
make is read back. Cases of a cipher suite that is not built are skipped and said, never passed over.
"""

from __future__ import annotations

from connexa.mls.conformance.runner import Report, run

__all__ = ["Report", "run"]
