"""The scripts beside this file are modules of their own: `make fuzz` runs them without pytest."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
