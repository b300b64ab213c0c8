"""A check of IT's own reports a problem: what it says when it is asked again, in its own words."""

from __future__ import annotations

from collections.abc import Iterator

from agent.diagnosis._diagnosis import DiagnosisFact, Item, Unseen, detail
from agent.diagnosis._look import Look
from agent.diagnosis.disk_readonly import kernel_trouble
from agent.diagnosis.generic import failed_units, host
from collectors._plugin_output import parse_output

TIMEOUT = 30.0  # seconds


def asked_again(look: Look) -> Iterator[Item]:
    """Yield its exit status and first line, which is what Nagios shows; anything longer is a detail."""
    if not look.command:
        yield Unseen(what="check", reason="gone", hint="no check of this name is configured any more")
        return
    done = look.run(look.command, timeout=TIMEOUT)
    text, _, _ = parse_output(done.output)
    yield DiagnosisFact(name="exit_status", value=float(done.status), unit="count")
    if text.strip():
        yield DiagnosisFact(name="check_text", value=text.strip(), unit="text")
    lines = [*done.output.splitlines(), *done.errors.splitlines()]
    if len(lines) > 1:
        yield detail("check.txt", lines, consent="logs")


STEPS = (asked_again, host, failed_units, kernel_trouble)
