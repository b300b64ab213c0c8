"""Who is speaking: the secret in a request's `Authorization`, compared in constant time with each that is let in."""

from __future__ import annotations

import base64
import binascii
import hmac

from agent.configuration.secrets import Secrets
from agent.configuration.settings import RelayClients


class Access:
    """Whom the relay lets in. Secrets are read at every request, so that a rotated one counts at once."""

    def __init__(self, clients: RelayClients, secrets: Secrets) -> None:
        """Given who may speak to the relay, and the secrets by name."""
        self._clients = clients
        self._secrets = secrets

    def alertmanager(self, authorization: str) -> bool:
        """Return whether this header is Alertmanager's. Where only certificates are asked for, showing one was enough.

        Raises LookupError when the secret cannot be read.
        """
        if not self._clients.alertmanager_secret:
            return bool(self._clients.ca_file)
        return self._shows(authorization, self._clients.alertmanager_secret)

    def agent(self, authorization: str) -> bool:
        """Return whether this header is an agent's. Raises LookupError when the secret cannot be read."""
        return bool(self._clients.agents_secret) and self._shows(authorization, self._clients.agents_secret)

    def _shows(self, authorization: str, name: str) -> bool:
        """Return whether the header shows one of the secrets under this name, one a line: each host may have its own."""
        shown = _shown(authorization)
        return any(hmac.compare_digest(shown, one.encode()) for one in self._secrets.get(name).split())


def _shown(authorization: str) -> bytes:
    """Return the secret in the header: a bearer token, or the password of basic authentication, whoever it names."""
    scheme, _, value = authorization.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip().encode("utf-8", "replace")
        case "basic":
            try:
                return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return b""
    return b""
