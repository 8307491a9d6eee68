"""Rules about what happens to personal data."""
