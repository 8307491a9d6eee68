"""gpuplane: a GPU and LLM-serving platform for many teams, proven before it is applied."""

__version__ = "0.1.0"
