"""From a verdict to what runs: stacks in waves, approvals of what is applied, state, drift, and the way in for what is there."""
