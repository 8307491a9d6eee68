"""A control plane of plain processes on this machine, made for one rehearsal and thrown away after it."""
