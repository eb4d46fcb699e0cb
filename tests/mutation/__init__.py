"""Guards taken out one at a time: a guard without which every test passes is not proved. `python -m tests.mutation` shows each."""
