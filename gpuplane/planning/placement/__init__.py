"""Where pods can run: what a node has left for models, which nodes a pod fits, and whether all pods find a place together."""
