"""Recordings that ship with the agent, for `foretell demo`."""
