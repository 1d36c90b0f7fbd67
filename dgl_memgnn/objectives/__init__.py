"""Objectives of pre-training: what a network can learn from molecules without labels."""

from dgl_memgnn.objectives.kinds import OBJECTIVES
from dgl_memgnn.objectives.network import PretrainingNetwork, View
from dgl_memgnn.objectives.objective import Objective
from dgl_memgnn.objectives.task import JointTask

__all__ = ["JointTask", "OBJECTIVES", "Objective", "PretrainingNetwork", "View"]
