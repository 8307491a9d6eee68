"""One scenario a file: what is done to the cluster, and what the plan and the cluster say of it."""
