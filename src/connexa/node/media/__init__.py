"""Files of messages in the node (docs/protocol.md section 25): sealed as they come in, kept sealed in a folder beside the store, moved in
parts by tasks that go on after any interruption. The desk (`desk`) is what faces ask; the mover (`mover`) is what runs.
"""

from __future__ import annotations

__all__: list[str] = []
