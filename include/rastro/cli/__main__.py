"""``python -m rastro.cli``, the same as ``rastro``."""

import sys

from rastro.cli import main

sys.exit(main())
