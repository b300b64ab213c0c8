"""The agent: composes collectors, thresholds and ticketing clients. The only package that imports the others."""
