"""GPU memory of one replica: weights, KV cache, what the engine itself takes, and whether all of it fits."""
