"""A ticket as an alert and back: what is told of it is stable, bounded, and read again as it was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from ticketing_clients import Customer, Device, Document, Paragraph, ProposedWindow, to_plain
from ticketing_clients._alertmanager.labels import (
    LABELS,
    LONGEST_DESCRIPTION,
    LONGEST_LABEL,
    Alert,
    annotations_of,
    labels_of,
)
from ticketing_clients._alertmanager.reading import NotATicket, document_of, ticket_of
from ticketing_clients.contract import NOON, new_ticket

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "tickets").glob("*.txt"))


def alert_of(ticket, **more):
    """Return the alert that `ticket` is."""
    return Alert(
        labels=labels_of(ticket, more),
        annotations=annotations_of(ticket),
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=1),
    )


def test_a_ticket_comes_back_as_it_was():
    """All that the Relay needs to open a ticket of its own is on the alert."""
    window = ProposedWindow(start=NOON, end=NOON + timedelta(hours=2), zone="Asia/Shanghai", reason="the quietest hour")
    later = ProposedWindow(start=NOON + timedelta(days=1), end=NOON + timedelta(days=1, hours=2), zone="UTC", reason="")
    ticket = new_ticket(
        device=Device(id="host 1", name="web01", os="Debian 12", serial="7X", role="database"),
        customer=Customer(id="client", name="Client", contact="customer@client.test", tier="premium"),
        crossing_expected=NOON + timedelta(days=3),
        windows=(window, later),
    )
    as_told = msgspec.structs.replace(ticket, appointment=None, labels=("foretell",))
    back = ticket_of(msgspec.json.decode(msgspec.json.encode(alert_of(ticket)), type=Alert))
    assert to_plain(back.body) == to_plain(ticket.body)
    assert msgspec.structs.replace(back, body=ticket.body) == as_told


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_a_text_keeps_its_blocks(file):
    """What every shipped ticket says is split into blocks that are written the same again."""
    text = file.read_text("utf-8")
    assert to_plain(document_of(text)).strip("\n") == text.strip("\n")


def test_only_the_priority_may_change_the_labels():
    """What a case can change its mind about, and every long text, stands in annotations: another label is another alert."""
    ticket = new_ticket()
    changed = new_ticket(
        key=ticket.key,
        device=ticket.device,
        title="quite another title",
        body=Document((Paragraph("another text"),)),
        crossing=None,
        windows=(),
        language="zh_Hans",
    )
    assert labels_of(ticket, {}) == labels_of(changed, {})
    worse = msgspec.structs.replace(ticket, priority="P1")
    assert set(labels_of(ticket, {}).items()) ^ set(labels_of(worse, {}).items()) == {
        ("priority", "P3"),
        ("priority", "P1"),
    }


def test_a_label_is_one_short_line_and_never_empty():
    """Alertmanager drops an empty label; a long or hostile one is cut, and cannot replace one of ours."""
    ticket = new_ticket(subject="a\nb" + "磁" * 500, rule="", device=Device(id="h", name="web\x1b[31m01"))
    labels = labels_of(ticket, {"site": "Berlin", "priority": "P1", "team": " "})
    assert labels["alertname"] == "Foretell"
    assert len(labels["subject"]) == LONGEST_LABEL
    assert labels["subject"].startswith("a b磁")
    assert (labels["site"], labels["priority"], labels["host"]) == ("Berlin", "P3", "web [31m01")
    assert set(labels) <= {*LABELS, "site"}
    assert not {"rule", "team", "role"} & set(labels)


def test_a_long_text_is_cut_between_its_blocks():
    """An alert is kept in memory by every member, so that its text is bounded."""
    said = annotations_of(new_ticket(body=Document((Paragraph("first"), Paragraph("磁😀" * 8_000)))))
    assert len(said["description"]) <= LONGEST_DESCRIPTION
    assert said["description"].startswith("first\n\n磁😀")
    assert said["description"].endswith("…")


@pytest.mark.parametrize("wrong", [{"foretell_key": None}, {"type": "weather"}, {"priority": "critical"}])
def test_somebody_elses_alert_is_no_ticket(wrong):
    """An alert of a rule, or one that was tampered with, is refused with what is wrong."""
    alert = alert_of(new_ticket())
    labels = {name: text for name, text in {**alert.labels, **wrong}.items() if text}
    with pytest.raises(NotATicket, match=next(iter(wrong)) if None in wrong.values() else "Invalid enum value"):
        ticket_of(msgspec.structs.replace(alert, labels=labels))


@pytest.mark.parametrize(("name", "text"), [("window_1", "soon"), ("crossing", "today"), ("window_1", "2026/x UTC y")])
def test_a_time_that_is_none_is_told(name, text):
    """A time that nobody can read is said, not passed over."""
    alert = alert_of(new_ticket())
    with pytest.raises(NotATicket):
        ticket_of(msgspec.structs.replace(alert, annotations={**alert.annotations, name: text}))


def test_only_what_says_so_has_ended():
    """An alert that expired has no ending: nobody measured that it is over."""
    alert = alert_of(new_ticket())
    assert alert.ending is None
    ended = msgspec.structs.replace(alert, annotations={**alert.annotations, "foretell_end": "resolved"})
    assert ended.ending == "resolved"
    assert msgspec.structs.replace(alert, annotations={"foretell_end": "nonsense"}).ending is None
