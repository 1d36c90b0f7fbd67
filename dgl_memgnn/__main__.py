"""``python -m dgl_memgnn``"""

import sys

from dgl_memgnn.cli import main

sys.exit(main())
