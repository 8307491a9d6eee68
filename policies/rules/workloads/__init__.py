"""Rules about what runs in a pod and how much of the node it may take."""
