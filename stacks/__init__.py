"""One module a layer: each only composes components from the wish and its plan."""
