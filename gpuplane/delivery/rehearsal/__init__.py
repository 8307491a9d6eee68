"""``gpuplane rehearse``: the plan on a throw-away control plane, and what was seen beside what was proven."""
