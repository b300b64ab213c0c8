"""The edge to the host: its programs, folders and locks, who it is, and the service manager."""
