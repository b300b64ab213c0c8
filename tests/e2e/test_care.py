"""The care of a case in simulated weeks: proposed, agreed, done, verified, confirmed, reported, rated; then it comes back twice.

With EXAMPLE=FILE what people read at the desk is written there: `make example` keeps it in the documentation.
"""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ticketing_clients import TicketRef
from whole_way import DAY, HOUR, MIB, World, field, host_of, tickets

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("losetup"), reason="needs root to mount a loop device"),
]

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = HOUR / 4


class Story:
    """What stands on the desk's tickets, each text with the simulated time at which it was first seen there."""

    def __init__(self, world: World, desk) -> None:
        self.world = world
        self.desk = desk
        self.seen: dict[str, int] = {}
        self.told: list[tuple[str, str, str, str, str]] = []  # ticket, when, who, what way, text
        self.titles: dict[str, str] = {}

    def look(self) -> None:
        """Take in what is new on every ticket of the host."""
        for ticket in tickets(self.desk, self.world.disk):
            number = str(ticket["id"])
            self.titles[number] = self._plain(ticket["Subject"])
            fields = {"fields": "Type,Creator,NewValue", "per_page": 100}
            events = self.desk.ask("GET", f"ticket/{number}/history", params=fields)["items"]
            fields = {"fields": "TransactionId,ContentType,Content", "per_page": 100}
            files = self.desk.ask("GET", f"ticket/{number}/attachments", params=fields)["items"]
            texts = {str(one["TransactionId"]): one["Content"] for one in files if one["ContentType"] == "text/plain"}
            for event in sorted(events, key=lambda one: int(one["id"])):
                if int(event["id"]) > self.seen.get(number, 0):
                    self.seen[number] = int(event["id"])
                    self._take(number, event, texts.get(str(event["id"]), ""))

    def _take(self, number: str, event: dict, text: str) -> None:
        text = self._plain(text)
        ways = {"Create": "opens the ticket", "Correspond": "writes", "Comment": "writes internally"}
        way = ways.get(event["Type"], "")
        if event["Type"] == "Status" and event["Creator"]["id"] != "RT_System":
            way = f"sets the status {event['NewValue']}"
        if event["Type"] == "Comment" and not text.strip():
            way = "attaches the entry for calendars"
        if way:
            when = datetime.fromtimestamp(self.world.clock.now(), BERLIN)
            self.told.append((number, f"{when:%a %d %b %H:%M}", str(event["Creator"]["id"]), way, text.strip()))

    def _plain(self, text: str) -> str:
        """Return a text with disk, host and desk called as a customer's would be: here they are somewhere on this machine."""
        text = text.replace(str(self.world.disk), "/srv").replace(host_of(self.world.disk), "5f0c9f3b7a1d4e52")
        return text.replace(self.desk.url, "https://desk.example")

    def written(self, path: Path) -> None:
        """Write it down as a page of the documentation."""
        lines = [
            "# An example: a disk that fills three times",
            "",
            "What stood on the tickets of a real Request Tracker, in a run with a real disk and simulated time; only the disk's",
            "mount point, the host's id and the desk's address are others here.",
            "Written by `make example`. `foretell` is the agent; `engineer` stands for the people at the desk and for the",
            "customer; times are those of the customer's zone.",
        ]
        for number, title in sorted(self.titles.items(), key=lambda one: int(one[0])):
            lines += ["", f"## {title}"]
            for ticket, when, who, way, text in self.told:
                if ticket == number:
                    lines += ["", f"**{when}, {who} {way}**", *(["", "```text", text, "```"] if text else [])]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def world(config, disk, tmp_path) -> World:
    return World(config, tmp_path / "state", disk)


def test_a_case_is_cared_for_until_its_cause_is_asked_for(world, request_tracker):  # noqa: PLR0915 - one long story
    """Each step is seen at the desk: window, promise, verification, report with people's words, rating, problem ticket."""
    desk, story = request_tracker, Story(world, request_tracker)

    def pass_time(hours: float, step: float = HOUR) -> None:
        for _ in range(round(hours * HOUR / step)):
            world.cycle(step)
            if world.case.ticket:
                story.look()

    def fill_until_open(per_hour: int) -> TicketRef:
        for _ in range(9 * 24):
            world.fill(1, per_hour)
            known = [one for one in world.resident.pipeline.cases.values() if one.rule == "disk_space"]
            if known and known[0].state == "open":
                break
        pass_time(1)
        assert world.case.state == "open"
        return world.case.ticket

    def settle(done: str) -> None:
        world.free()
        pass_time(4, QUARTER)
        assert world.case.state == "awaiting_confirmation"
        desk.say(world.case.ticket, f"foretell: cause Nightly dumps are never removed.\nforetell: done {done}")
        desk.say(world.case.ticket, "Works again, thank you.\nforetell: confirm")
        pass_time(1, QUARTER)
        assert (world.case.state, world.case.closed_by) == ("closed", "person")

    # Days ahead one ticket opens, with times to choose from, and says what is promised; the desk's own due field has it too.
    world.write(20 * MIB)
    ref = fill_until_open(MIB)
    [ticket] = tickets(desk, world.disk)
    promised = world.case.care.promise
    assert datetime.fromisoformat(ticket["Due"]).timestamp() == pytest.approx(promised.fix_due, abs=1)
    assert promised.answer_due == pytest.approx(promised.since + 8 * HOUR)

    # An engineer takes it on, the customer agrees to the first time: the promise of an answer is kept.
    desk.ask("PUT", f"ticket/{ref.id}/take", json={})
    desk.say(ref, "Time 1 suits us.\nforetell: accept 1")
    pass_time(2)
    assert "first_response" in world.case.care.settled
    assert [act.kind for act in world.case.acts] == ["acknowledge", "accept_window"]
    window = datetime.fromisoformat(field(ticket, "Window")).timestamp()
    assert (world.case.agreed.window.start, world.case.agreed.by) == (window, "engineer")

    # The work is done in that window; after its end the recovery is verified; then a person's word, and the report.
    while world.clock.now() < window:
        world.fill(1, MIB)
        story.look()
    settle("Removed the old dumps.")
    _, said = desk.sees(ref)
    assert "Cause: Nightly dumps are never removed." in said
    assert "What was done: Removed the old dumps." in said
    assert tickets(desk, world.disk)[0]["Status"] == "resolved"

    # The customer rates it; that opened the ticket, as any answer does at this desk, and it is closed again.
    desk.say(ref, "foretell: rate 5")
    assert tickets(desk, world.disk)[0]["Status"] == "open"
    pass_time(9)
    assert world.case.episodes[-1].rating == 5
    assert tickets(desk, world.disk)[0]["Status"] == "resolved"

    # It comes back, in the same ticket, which says what helped; and once more, which asks for the cause.
    assert fill_until_open(2 * MIB) == ref
    _, said = desk.sees(ref)
    assert "What helped last time" in said.partition("It has come back.")[2]
    settle("Removed the dumps again.")
    assert fill_until_open(2 * MIB) == ref
    assert world.case.recurring
    pass_time(2)
    cause = [one for one in tickets(desk, world.disk) if str(one["id"]) != ref.id]
    assert len(cause) == 1
    assert "3 times within 30 days" in cause[0]["Subject"]
    _, listed = desk.sees(TicketRef("helpdesk", str(cause[0]["id"])))
    assert "Removed the old dumps." in listed
    assert "Removed the dumps again." in listed
    _, said = desk.sees(ref)
    assert f"Ticket for the cause: {desk.url}/Ticket/Display.html?id={cause[0]['id']}" in said
    assert world.clock.now() - world.case.first_seen < 30 * DAY

    if example := os.environ.get("EXAMPLE"):
        story.written(Path(example))
