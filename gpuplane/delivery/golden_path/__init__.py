"""The golden path: new documents that are right from the start, and a repository of one's own to keep them in."""
