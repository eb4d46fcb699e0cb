"""`python -m connexa.cli`: how the program starts itself again."""

from __future__ import annotations

import sys

from . import main

sys.exit(main())
