"""Rules about who may use how many GPUs."""
