"""The verdict: rules over planned resources, and the thin front doors that run them."""
