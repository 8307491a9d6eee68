"""Rules about where models and images come from."""
