"""Who can reach whose work, data and rights, proven on the planned objects: one edge for each way, with the objects that make it."""

from gpuplane.graph.reachability.edges import Edge, Maker, Medium, Party, Side
from gpuplane.graph.reachability.matrix import Matrix, matrix

__all__ = ["Edge", "Maker", "Matrix", "Medium", "Party", "Side", "matrix"]
