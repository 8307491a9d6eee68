"""Rules about what keeps a workload up, and what takes it down unseen."""
