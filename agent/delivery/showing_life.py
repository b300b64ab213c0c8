"""Sends one heartbeat: asks an address for anything, or tells a desk that this host lives. A child of the daemon, and gone then.

Started as `python -P -m agent.child agent.delivery.showing_life` with a Beat as JSON on standard input.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from agent import logs
from agent.configuration.config import load
from agent.configuration.secrets import Secrets
from agent.delivery.heartbeat import Beat
from agent.system.least_important import be_least_important
from collectors._network import NoSuchName
from collectors._plugin import CollectorError
from collectors._web import Broken, Trust, fetch, is_private_way, split_url
from ticketing_clients import DeskError, TakesLife

PATIENCE = 20.0  # seconds for the whole request
LARGEST = 64 * 1024  # bytes of an answer that are read, and believed to be no more than an answer
_SECONDS = 30.0  # of processor time

log = logs.get_logger()


class NotSent(Exception):
    """The heartbeat was not taken; the message says why, and never holds the address, which may be a secret."""


def send(beat: Beat) -> None:
    """Send it once. Raises NotSent."""
    if beat.settings.desk:
        _tell_desk(beat)
    else:
        _ask_address(beat)


def _tell_desk(beat: Beat) -> None:
    """Tell the desk that this host lives."""
    from agent.courier import build_client  # noqa: PLC0415 - an address needs nothing of it

    settings, host = beat.settings, beat.host
    configuration = load(beat.config, parts={"desks"})
    try:
        client = build_client(configuration, settings.desk, Path(beat.state_dir), time.time(), rhythm=settings.every)
        if not isinstance(client, TakesLife):
            raise NotSent(
                f"desk {settings.desk} takes no heartbeat; in heartbeat.desk name one whose client is alertmanager"
            )
        missed = client.show_life(host.name, host.id)
    except (DeskError, LookupError, ValueError) as error:
        raise NotSent(str(error)) from None
    if missed:
        raise NotSent("; ".join(missed))


def _ask_address(beat: Beat) -> None:
    """Ask the address for anything."""
    settings = beat.settings
    try:
        address = settings.url or Secrets(beat.secrets).get(settings.url_secret).strip()
        parts = split_url(address)
    except LookupError as error:
        raise NotSent(str(error)) from error
    except ValueError:
        raise NotSent("the address of the heartbeat is none; write it as https://HOST/PATH") from None
    if not is_private_way(parts):
        raise NotSent("the address of the heartbeat would be sent in the clear; use https")
    try:
        tls = Trust().context(settings.ca_file or None) if parts.scheme == "https" else None
        answer = fetch(parts, timeout=PATIENCE, largest=LARGEST, tls=tls)
    except (NoSuchName, CollectorError, Broken, OSError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise NotSent(f"{parts.hostname} cannot be asked: {why}") from None
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - the range of success in HTTP
        raise NotSent(f"{parts.hostname} answered {answer.status}; is the address still right?")


def main() -> int:
    """Send the Beat on standard input; return the exit status."""
    logs.configure()
    be_least_important(_SECONDS)
    beat = msgspec.json.decode(sys.stdin.buffer.read(), type=Beat)
    try:
        send(beat)
    except NotSent as error:
        say = log.debug if beat.again else log.warning
        say("the heartbeat was not taken", detail=str(error))
        return 1
    return 0
