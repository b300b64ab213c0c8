"""The agent's records as a whole: into an archive, and back."""
