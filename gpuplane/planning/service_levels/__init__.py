"""What is measured of each promise, how much may go wrong, and when somebody must be called."""
