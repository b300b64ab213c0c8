"""A history through the daemon's own code: which tickets a configuration would have opened."""
