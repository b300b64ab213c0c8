"""An Alertmanager cluster as a desk: each ticket is an alert at every member, and an agent needs no login at a service desk.

What an alert says is in `_alertmanager.labels`. Alertmanager wants its clients to tell every member, and to tell again whatever
stands: an alert that is not told again expires. So what was told is kept in a book on the host, the courier's rounds tell it
anew, and whoever was away hears it then. A case's end is told as such (`foretell_end`): an alert that only expired was not.

Nothing comes back from an Alertmanager. Who answers is asked at the Relay (`_alertmanager.relay`), which turns alerts into
tickets and takes files for them; where none is configured, tickets are only told. (Two servers: so it is longer than others.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NoReturn
from urllib.parse import quote

from ticketing_clients._address import check_address
from ticketing_clients._alertmanager import labels as on
from ticketing_clients._alertmanager.book import Book, Entry
from ticketing_clients._alertmanager.cluster import Cluster
from ticketing_clients._alertmanager.options import AlertmanagerOptions
from ticketing_clients._alertmanager.relay import Relay
from ticketing_clients._asking import need_room
from ticketing_clients._client import Capabilities, Check, ClientContext, ClientPlugin
from ticketing_clients._document import cut, one_line
from ticketing_clients._errors import DeskError, Rejected, TicketGone
from ticketing_clients._ticket import Attachment, Comment, FoundTicket, Priority, Ticket, TicketRef, TicketState

ROUNDS = 4  # for so many of the courier's rounds an alert stands when it is told once: a round may fail, and be late
KEPT = 7 * 86_400.0  # seconds for which an alert that ended is remembered


class Alertmanager:
    """One cluster."""

    def __init__(self, options: AlertmanagerOptions, context: ClientContext, desk: str) -> None:
        """Given the desk's options, what a client is handed, and its configured name. Connects to nothing."""
        from ticketing_clients._http import Http, basic  # noqa: PLC0415 - requests is heavy, and the daemon only reads the options

        if taken := set(on.LABELS) & options.labels.keys():
            raise ValueError(
                f"labels: {', '.join(sorted(taken))} cannot be set here, for it is what a case says itself"
            )
        if options.token_secret and options.user:
            raise ValueError("token_secret, user: set one of them")
        if options.key_file and not options.certificate_file:
            raise ValueError("key_file: name the certificate, too, in certificate_file")
        urls = list(dict.fromkeys(url.rstrip("/") for url in options.urls))
        for url in urls:
            check_address(url)
        token = context.secret(options.token_secret).strip() if options.token_secret else ""
        password = context.secret(options.password_secret).strip() if options.user else ""
        login = f"Bearer {token}" if token else basic(options.user, password) if options.user else ""
        certificate = (options.certificate_file, options.key_file or options.certificate_file)

        def member(url: str) -> Http:
            return Http(
                desk,
                url,
                headers={"Authorization": login} if login else {},
                secrets=(token, password, login.partition(" ")[2]),
                ca_file=options.ca_file,
                certificate=certificate if options.certificate_file else None,
            )

        self._relay: Relay | None = None
        if options.relay:
            check_address(options.relay)
            secret = context.secret(options.relay_secret).strip()
            http = Http(
                desk,
                options.relay,
                headers={"Authorization": f"Bearer {secret}"},
                secrets=(secret,),
                ca_file=options.ca_file,
                certificate=certificate if options.certificate_file else None,
            )
            self._relay = Relay(http, desk)
        self._largest = options.largest_attachment
        self._desk = desk
        self._labels = options.labels
        self._lasts = ROUNDS * context.rhythm
        self._cluster = Cluster({url: member(url) for url in urls}, context.now, self._lasts)
        self._book = Book(context.state_dir / f"alertmanager-{quote(desk, safe='')}.sqlite", desk)

    @property
    def capabilities(self) -> Capabilities:
        """What can be told; of what people do, an Alertmanager knows nothing, and the Relay does."""
        return Capabilities(
            read=self._relay is not None,
            internal_comment=False,
            attach=self._relay is not None,
            largest_attachment=self._largest if self._relay else None,
            due="none",
            longest_title=on.LONGEST_SUMMARY,
            longest_body=on.LONGEST_DESCRIPTION,
        )

    # -- telling ------------------------------------------------------------------------------------------------------

    def open(self, ticket: Ticket) -> TicketRef:
        """Tell that there is an alert. While it stands, its labels stay, and its priority only rises."""
        labels, annotations = on.labels_of(ticket, self._labels), on.annotations_of(ticket)
        standing = self._standing(ticket.key)
        if standing is None:
            self._tell(Entry(labels=labels, annotations=annotations, began=self._cluster.now), new=True)
        else:
            self._tell(*standing.saying(annotations).raised(ticket.priority, self._cluster.now))
        return self._ref(ticket.key)

    def reopen(self, ref: TicketRef, ticket: Ticket) -> TicketRef:
        """Tell that the problem is back."""
        del ref  # every alert of a case has its key
        return self.open(ticket)

    def comment(self, ref: TicketRef, comment: Comment) -> None:
        """Put `comment` on the alert in place of the one before; all that there is room for is the newest."""
        said = {on.COMMENT: on.text_of(comment.body), on.COMMENT_MARKER: comment.marker}
        entry = self._known(ref)
        before = {name: text for name, text in entry.annotations.items() if name != on.WELL}
        self._tell(entry.saying(before | said | ({on.WELL: "true"} if comment.well else {})))

    def has_comment(self, ref: TicketRef, marker: str) -> bool:
        """Return whether the newest comment has this marker."""
        return self._known(ref).annotations.get(on.COMMENT_MARKER) == marker

    def raise_priority(self, ref: TicketRef, priority: Priority) -> None:
        """Tell that an alert with this priority is in the place of one with a lower; nothing when it is as high already."""
        entry = self._known(ref)
        if entry.ended is None:
            self._tell(*entry.raised(priority, self._cluster.now))

    def resolve(self, ref: TicketRef) -> None:
        """Tell that it is over, and was measured to be."""
        self._tell(self._known(ref).over("resolved", self._cluster.now))

    # -- telling again ------------------------------------------------------------------------------------------------

    def anything_stands(self) -> bool:
        """Whether an alert stands, or a member has yet to hear that one ended."""
        return any(one.ended is None or self._missed(one) for one in self._book.all())

    def standing(self) -> list[FoundTicket]:
        """Return the alerts that stand, by what we told."""
        return [FoundTicket(self._ref(one.key), one.key, open=True) for one in self._book.all() if one.ended is None]

    def remind(self, keys: Collection[str]) -> tuple[str, ...]:
        """Tell every member the alerts of these keys that stand, and whatever ended that it has not heard; see to the relay."""
        complaints = [str(error) for error in self._tell_again(keys)]
        if self._relay and not (seen := self._relay.check()).well:
            complaints.append(seen.found)
        return tuple(complaints)

    def show_life(self, host: str, host_id: str) -> tuple[str, ...]:
        """Tell every member an alert that always fires. Where it is not told again it ends, and its receiver hears that."""
        said = {
            on.SUMMARY: cut(one_line(f"The agent on {host} lives"), on.LONGEST_SUMMARY),
            on.DESCRIPTION: "This is well. When it is told to have ended, the host, its network or its agent is down.",
        }
        life = Entry(labels=on.labels_of_life(host, host_id, self._labels), annotations=said, began=self._cluster.now)
        _, errors = self._cluster.tell(dict.fromkeys(self._cluster.members, (life,)))
        return tuple(map(str, errors))

    def _tell_again(self, keys: Collection[str]) -> Sequence[DeskError]:
        self._book.forget(self._cluster.now - KEPT)
        known = self._book.all()
        for key in sorted(set(keys) - {one.key for one in known}):  # our records were lost, and the members have it
            known += self._adopted(key)
        standing = [one for one in known if one.ended is None and one.key in keys]
        due = {
            address: standing + [one for one in known if address in self._missed(one)]
            for address in self._cluster.members
        }
        if not any(due.values()):
            return ()
        took, errors = self._cluster.tell(due)
        self._book.put(*(one.heard_by([address for address in took if one in due[address]]) for one in known))
        return errors

    def _missed(self, entry: Entry) -> set[str]:
        """Return the members that take an alert that has ended for one that stands: not told, and not yet expired there."""
        if entry.ended is None or entry.ended + self._lasts < self._cluster.now:
            return set()
        return self._cluster.members.keys() - entry.told

    def _tell(self, *entries: Entry, new: bool = False) -> None:
        """Write `entries` down and tell every member. One that does not hear it now does in the next round."""
        self._book.put(*entries)
        try:
            took, _ = self._cluster.tell(dict.fromkeys(self._cluster.members, entries))
        except Rejected:
            if new:  # nobody has it, and nobody will
                self._book.strike(*entries)
            raise
        self._book.put(*(one.heard_by(took) for one in entries))

    # -- looking ------------------------------------------------------------------------------------------------------

    def find(self, key: str) -> list[FoundTicket]:
        """Return the alert with exactly `key` that stands at any member."""
        return list(self._found(on.KEY, key))

    def list_open(self, host: str) -> list[FoundTicket]:
        """Return the alerts of the host with marker `host` that stand at any member."""
        return list(self._found(on.HOST_ID, cut(one_line(host), on.LONGEST_LABEL)))

    def _found(self, label: str, text: str) -> Iterator[FoundTicket]:
        alerts = {one.key: one for one in self._cluster.look(label, text)}
        for key, one in alerts.items():
            title, host = one.annotations.get(on.SUMMARY, ""), one.labels.get(on.HOST_ID, "")
            yield FoundTicket(self._ref(key), key, open=True, title=title, host=host)

    def check(self) -> list[Check]:
        """Ask every member how it is, whether together they are one cluster, and whether the relay lets us in."""
        statuses = self._cluster.statuses()
        answers = {url: one for url, one in statuses.items() if not isinstance(one, DeskError)}
        if not answers:
            raise next(one for one in statuses.values() if isinstance(one, DeskError))
        checks = []
        for url, one in statuses.items():
            if isinstance(one, DeskError):
                checks.append(Check.of(url, str(one), "start it, or take it out of urls"))
                continue
            apart = len(statuses) > 1 and len(one.cluster.peers) < len(statuses)
            wrong = f"knows {len(one.cluster.peers)} of {len(statuses)} members" if apart else ""
            hint = "start each with --cluster.peer naming the others: apart, each would tell everybody"
            checks.append(Check.of(url, wrong, hint, found=f"Alertmanager {one.version_info.version}"))
        return [*checks, self._relay.check()] if self._relay else checks

    def _standing(self, key: str) -> Entry | None:
        entries = self._book.of(key)
        return entries[-1] if entries and entries[-1].ended is None else None

    def _known(self, ref: TicketRef) -> Entry:
        """Return the newest alert of a ticket, ended or not. Raises TicketGone."""
        entries = self._book.of(ref.id) or self._adopted(ref.id)
        if not entries:
            raise TicketGone(f"desk {self._desk}: there is no alert {ref.id}")
        return entries[-1]

    def _adopted(self, key: str) -> list[Entry]:
        """Take the alerts with `key` that stand at the members into the book; of several only the newest stands on."""
        found = [
            Entry(labels=one.labels, annotations=one.annotations, began=one.starts_at.timestamp())
            for one in self._cluster.look(on.KEY, key)
        ]
        entries = [one.over("raised", self._cluster.now) for one in found[:-1]] + found[-1:]
        self._book.put(*entries)
        return entries

    def _ref(self, key: str) -> TicketRef:
        first = next(iter(self._cluster.members))
        matcher = f'{{{on.KEY}="{key}"}}'
        return TicketRef(self._desk, key, f"{first}/#/alerts?filter={quote(matcher, safe='')}")

    # -- the way back -------------------------------------------------------------------------------------------------

    def read(self, ref: TicketRef) -> TicketState:
        """Return how the ticket is that the relay made of the alert. Raises Rejected while it knows of none."""
        return self._relay.read(ref) if self._relay else self._refuse(ref)

    def attach(self, ref: TicketRef, attachment: Attachment) -> None:
        """Have the relay pass a file on. Raises Rejected when it is too large, or there is no ticket now."""
        if self._relay is None:
            self._refuse(ref)
        need_room(attachment, self._largest, self._desk)
        self._relay.attach(ref, attachment)

    def has_attachment(self, ref: TicketRef, name: str) -> bool:
        """Say no: the relay looks for itself, and attaches nothing twice."""
        del ref, name
        return False

    # -- what is not there --------------------------------------------------------------------------------------------

    def close_duplicate(self, ref: TicketRef, original: TicketRef) -> None:
        """Refuse: alerts with one key are one ticket."""
        del original
        self._refuse(ref)

    def _refuse(self, ref: TicketRef) -> NoReturn:
        raise Rejected(f"desk {self._desk}: an alert can be no such thing ({ref.id})")


PLUGIN = ClientPlugin(
    name="alertmanager",
    summary="An Alertmanager cluster: each ticket is an alert, which the Relay turns into one at a service desk.",
    options=AlertmanagerOptions,
    build=Alertmanager,
    tested="two members of Alertmanager 0.25, the real server",
)
