"""The planned graph: what would really be applied, whichever engine or manifest it came from."""
