"""A ticket as an alert: what it says, what is remembered of it, and the members of an Alertmanager cluster that are told."""
