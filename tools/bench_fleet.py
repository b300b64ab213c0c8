"""Measures a fleet's middle: simulated hosts tell two real Alertmanagers of alerts and of their ends, two relays make tickets.

    make bench-fleet                        10,000 hosts with five alerts each, some minutes; writes the result down
    tools/bench_fleet.py HOSTS              other numbers (PYTHONPATH=tests/support)

Each host tells each Alertmanager in a request of its own, as agents do; the desk is a stand-in in this process that does not
wait. Everything shares this machine's processors, so that the slowest part is not the relay's own speed.
"""

from __future__ import annotations

import http.client
import multiprocessing
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import msgspec

from agent.relay.group import group_key
from dated_results import ROOT, put, table
from fleet_desk import FleetDesk, desk_table
from fleet_parts import a_fleet
from ticketing_clients import Customer, Device, Document, Paragraph, ServiceTimes, Ticket
from ticketing_clients._alertmanager.labels import END, annotations_of, labels_of

HOSTS, SITES, RULES = 10_000, 100, ("disk_space", "disk_inodes", "memory_exhausted", "service_failed", "port_closed")
GROUP_WAIT, GROUP_INTERVAL = 10.0, 30.0  # seconds; Alertmanager's own, which a ticket waits for
SENDERS, AT_ONCE = 2, 8  # processes, and connections of each
TEXT = 1_000  # letters of each alert's text
PATIENCE = 1_800.0  # seconds for all tickets, and again for their ends
HEAD = ("what", "figure")


def alerts_of(host: int, began: float, until: float, end: str = "") -> bytes:
    """Return the request by which a host tells of its alerts."""
    at = datetime.fromtimestamp(began, UTC)
    told = []
    for number, rule in enumerate(RULES):
        ticket = Ticket(
            key=f"{host:060x}{number:04x}",
            rule=rule,
            subject="/srv",
            type="capacity",
            title=f"/srv on web{host:05} may be full as early as Thursday",
            body=Document((Paragraph("It grows. " * (TEXT // 10)),)),
            priority="P3",
            device=Device(id=f"h{host}", name=f"web{host:05}"),
            customer=Customer(id="acme", name="ACME"),
            language="en",
            service_times=ServiceTimes(first_response_due=at, fix_due=at),
        )
        notes = annotations_of(ticket) | ({END: end} if end else {})
        labels = labels_of(ticket, {"site": f"site-{host % SITES:03}", "rack": f"r{host % 1000:03}"})
        ends = datetime.fromtimestamp(until, UTC).isoformat()
        told.append({"labels": labels, "annotations": notes, "startsAt": at.isoformat(), "endsAt": ends})
    return msgspec.json.encode(told)


def send(ports: list[int], hosts: range, began: float, end: str, answers: Any) -> None:
    """Tell every member what each of these hosts tells; put when each site was told of first, and the time at the end."""
    first: dict[str, float] = {}
    now = time.time()
    until = now - 1 if end else now + 7200

    def tell(part: int) -> None:
        members = [http.client.HTTPConnection("127.0.0.1", port, timeout=120) for port in ports]
        for host in hosts[part::AT_ONCE]:
            body = alerts_of(host, began, until, end)
            first.setdefault(f"site-{host % SITES:03}", time.time())
            for member in members:
                member.request("POST", "/api/v2/alerts", body, {"Content-Type": "application/json"})
                answer = member.getresponse()
                said = answer.read()
                if answer.status != 200:  # noqa: PLR2004 - what Alertmanager says when it took them
                    raise SystemExit(f"an Alertmanager refused: {answer.status} {said[:200]!r}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(tell, range(AT_ONCE)))
    answers.put((first, time.time()))


def all_hosts_tell(ports: list[int], hosts: int, began: float, end: str = "") -> tuple[dict[str, float], float]:
    """Have all hosts tell, from some processes; return when each site was told of first, and how long it took."""
    answers: Any = multiprocessing.Queue()
    started = time.time()
    parts = [range(one, hosts, SENDERS) for one in range(SENDERS)]
    senders = [multiprocessing.Process(target=send, args=(ports, part, began, end, answers)) for part in parts]
    for sender in senders:
        sender.start()
    told = [answers.get(timeout=PATIENCE) for _ in senders]
    for sender in senders:
        sender.join()
    sites = {site for first, _ in told for site in first}
    earliest = {site: min(first[site] for first, _ in told if site in first) for site in sites}
    return earliest, max(ended for _, ended in told) - started


class TimedDesk(FleetDesk):
    """Notes when a ticket was made and when it was resolved."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[str, float] = {}
        self.ended: dict[str, float] = {}

    def create(self, request: Any) -> Any:
        """Make an issue."""
        response = super().create(request)
        self.made.setdefault(self.key_of(len(self.issues)), time.time())
        return response

    def change(self, request: Any, number: int) -> Any:
        """Change it."""
        if request.get_json()["issue"].get("status_id") == 3:  # noqa: PLR2004 - resolved
            self.ended.setdefault(self.key_of(number), time.time())
        return super().change(request, number)

    def key_of(self, number: int) -> str:
        """Return an issue's key."""
        return str(self.issues[number]["custom_fields"][0]["value"])


def measure(hosts: int) -> list[list[Any]]:
    """Return the rows of the result."""
    keys = {
        group_key("acme", "foretell", {"rule": rule, "site": f"site-{site:03}"}): f"site-{site:03}"
        for site in range(min(SITES, hosts))
        for rule in RULES
    }
    desk = TimedDesk()
    times = {"group_wait": f"{GROUP_WAIT:g}s", "group_interval": f"{GROUP_INTERVAL:g}s", "repeat_interval": "4h"}
    with (
        tempfile.TemporaryDirectory() as folder,
        desk.running(),
        a_fleet(Path(folder), desk_table(desk.url), **times) as fleet,
    ):
        ports = [member.port for member in fleet.members]
        relays = [replica.process.pid for replica in fleet.replicas if replica.process]
        idle = [memory(pid) for pid in relays]
        began = time.time()
        first, telling = all_hosts_tell(ports, hosts, began)
        print(f"told of {hosts * len(RULES)} alerts in {telling:.0f} s", flush=True)
        wait(lambda: desk.made.keys() >= keys.keys(), "tickets", desk)
        time.sleep(2 * GROUP_INTERVAL)  # those that joined late are told now
        last_told, ending = all_hosts_tell(ports, hosts, began, "resolved")
        wait(lambda: desk.ended.keys() >= keys.keys(), "ends", desk)
        opening = [desk.made[key] - first[site] for key, site in keys.items()]
        closing = [desk.ended[key] - last_told[site] for key, site in keys.items()]
        alerts = hosts * len(RULES)
        sent = numbers(fleet, "notifications", "done")
        spent = numbers(fleet, "notification_seconds_sum", kind="") / max(1.0, sent)
        waited = f"group_wait {GROUP_WAIT:g} s in it"
        waited_again = f"the telling of all ends, and group_interval {GROUP_INTERVAL:g} s, in it"
        tickets = [len(desk.issues), len(desk.open_ones()), int(numbers(fleet, "duplicates_closed"))]
        return [
            ["hosts, alerts, groups", commas(hosts, alerts, len(keys))],
            ["alerts told to both members, a second; their ends", commas(int(alerts / telling), int(alerts / ending))],
            [f"first alert to ticket, p50 and p99 ({waited})", seconds(opening)],
            [f"first end to resolved ticket, p50 and p99 ({waited_again})", seconds(closing)],
            ["tickets made; still open; second ones that were closed", commas(*tickets)],
            ["comments that stand twice on a ticket", commas(desk.said_twice())],
            [
                "notifications done; to be sent again",
                commas(int(sent), int(numbers(fleet, "notifications", "unreachable"))),
            ],
            ["a notification in the relay, the desk included, mean", f"{spent:.2f} s"],
            ["requests to the desk", commas(desk.requests)],
            ["memory of a relay: idle, at most", f"{max(idle):.0f} MB, {max(map(memory, relays)):.0f} MB"],
            ["processor time of both relays", f"{sum(map(processor, relays)):.0f} s"],
            ["memory of an Alertmanager, at most", f"{max(map(memory, pids(fleet))):.0f} MB"],
        ]


def commas(*figures: int) -> str:
    """Return figures as people read them."""
    return "; ".join(f"{one:,}" for one in figures)


def wait(true: Any, what: str, desk: TimedDesk) -> None:
    """Wait, and say how it goes."""
    until = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > until:
            raise SystemExit(f"not all {what}: {len(desk.made)} tickets, {len(desk.ended)} ended")
        time.sleep(1)
    print(f"all {what}: {len(desk.made)} tickets, {len(desk.ended)} ended", flush=True)


def seconds(values: list[float]) -> str:
    """Return median and 99th percentile."""
    return f"{median(values):.1f} s, {quantiles(values, n=100)[-1]:.1f} s"


def numbers(fleet: Any, name: str, outcome: str = "", kind: str = "_total") -> float:
    """Return a number of both relays together."""
    labels = f'{{outcome="{outcome}"}}' if outcome else ""
    return float(sum(replica.number(f"foretell_relay_{name}{kind}{labels}") for replica in fleet.replicas))


def pids(fleet: Any) -> list[int]:
    """Return the Alertmanagers' processes."""
    return [member._process.pid for member in fleet.members]  # noqa: SLF001 - of our own tests' support


def memory(pid: int) -> float:
    """Return the most memory that a process had resident so far, MB of 10^6 bytes."""
    match = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(match[1]) * 1024 / 1e6 if match else 0.0


def processor(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main(arguments: list[str]) -> None:
    """Measure, and write the table down if it was the whole fleet."""
    hosts = int(arguments[0]) if arguments else HOSTS
    result = table(HEAD, measure(hosts))
    if hosts == HOSTS:
        put("fleet benchmark", "make bench-fleet", result, ROOT / "docs" / "fleet.md")
    else:
        print(result)


if __name__ == "__main__":
    main(sys.argv[1:])
