"""A second implementation of the pairwise protocol: slow, literal, and with nothing of `src/` in it.

Written from docs/protocol.md (sections 10 to 12) alone: functions on bytes and dicts, formulas as they stand there. It checks what a
reader of the protocol would build against what we build, and it makes the frozen vectors. Every random value is an argument.
It is no library: it holds the honest path and the refusals that the bytes decide, and none of the limits.
"""
