"""Tell DGL to use PyTorch before DGL is imported for the first time."""

import os

os.environ.setdefault("DGLBACKEND", "pytorch")
