"""Rules about what it costs and who pays."""
