"""Clients of stand-ins: each test module says by itself which desk, which options, which people."""

from stand_in import build, client, person

__all__ = ["build", "client", "person"]
