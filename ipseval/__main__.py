"""``python -m ipseval``: the command line."""

import sys

from ipseval.cli import main

sys.exit(main())
