"""On top of everything: previews, reports, and the way to and from the Pulumi CLI. Nothing imports it."""
