"""Rules about what one tenant can reach of another."""
