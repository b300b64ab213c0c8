"""The page and the endpoints people and Prometheus read: loopback by default, read-only, no script, nothing cached."""
