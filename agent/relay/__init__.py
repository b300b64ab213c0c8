"""The Relay: the fleet's front. Alertmanager's groups come in, one ticket a group goes out; nothing is kept here."""
