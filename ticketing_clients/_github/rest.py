"""GitHub's REST interface as typed answers: how one repository's issues are asked for, and what that hides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec

from ticketing_clients._asking import numeric, pages
from ticketing_clients._errors import Moved, NotAuthorised, Rejected, TicketGone
from ticketing_clients._issues import mark_of

if TYPE_CHECKING:
    from ticketing_clients._http import Http

PAGE = 100  # the most that GitHub gives at once

Entry = TypeVar("Entry")


class User(msgspec.Struct, frozen=True):
    """Somebody: a person where `type` is User, otherwise a program or an organization."""

    id: int
    login: str
    type: str = "User"


class Label(msgspec.Struct, frozen=True):
    """A label. Its name is one whatever its case."""

    name: str


class Issue(msgspec.Struct, frozen=True):
    """An issue. `number` is its number in the repository, `id` its number at all of GitHub; no `user` is a deleted account."""

    id: int
    number: int
    html_url: str
    state: str
    title: str = ""
    state_reason: str | None = None
    body: str | None = None
    user: User | None = None
    labels: list[Label] = []
    assignees: list[User] = []
    locked: bool = False

    @property
    def label_names(self) -> list[str]:
        """The names of its labels."""
        return [one.name for one in self.labels]

    @property
    def mark(self) -> tuple[str, str]:
        """Its key and its host's marker, empty where there are none."""
        return mark_of(self.body or "")


class Said(msgspec.Struct, frozen=True):
    """A comment."""

    user: User | None = None
    body: str | None = None


class Event(msgspec.Struct, frozen=True):
    """Something on an issue's timeline. Some kinds have neither id nor actor."""

    event: str
    id: int | None = None
    actor: User | None = None
    created_at: datetime | None = None
    state_reason: str | None = None
    body: str | None = None


class Permissions(msgspec.Struct, frozen=True):
    """What we may do in a repository."""

    push: bool = False


class Repository(msgspec.Struct, frozen=True):
    """A repository."""

    full_name: str
    private: bool
    has_issues: bool
    archived: bool
    permissions: Permissions = Permissions()

    def obstacles(self) -> list[str]:
        """Return what keeps it from being a desk."""
        return [
            what
            for what, there in {
                "it is public, and everybody could read and steer what is told of a host": not self.private,
                "its issues are switched off": not self.has_issues,
                "it is archived": self.archived,
                "this user may not write to it, and GitHub would drop labels in silence": not self.permissions.push,
            }.items()
            if there
        ]


class GitHubRest:
    """One repository, asked through `http`."""

    def __init__(self, http: Http, desk: str, repository: str) -> None:
        """Given the base, the desk's name for messages, and the repository as OWNER/NAME."""
        self.http = http
        self.path = f"repos/{quote(repository)}"
        self._desk = desk
        self._repository: Repository | None = None
        self._us: User | None = None

    def us(self) -> User:
        """Return who we are."""
        if self._us is None:
            self._us = self.http.get("user", User)
        return self._us

    def repository(self) -> Repository:
        """Return the repository. Raises NotAuthorised where it is not shown, which GitHub calls not found."""
        if self._repository is None:
            try:
                self._repository = self.http.get(self.path, Repository)
            except Rejected as error:
                raise NotAuthorised(f"{error}; is this the repository, and may this user see it?") from error
        return self._repository

    def need_repository(self) -> None:
        """Raise NotAuthorised when the repository cannot be a desk: nothing is sent until somebody has mended that."""
        if obstacles := self.repository().obstacles():
            raise NotAuthorised(f"desk {self._desk}: repository {self.repository().full_name}: {'; '.join(obstacles)}")

    def issue(self, number: str) -> Issue:
        """Return the issue. Raises TicketGone.

        301 is for an issue that was transferred, and for all when the repository was renamed; 404 for one that was transferred
        out of sight, and for all when this user lost its rights; 410 for a deleted one, and for all when issues are switched off.
        """
        try:
            return self.http.get(f"{self.path}/issues/{numeric(number)}", Issue, ticket=number)
        except Moved as error:
            self.need_repository()
            raise TicketGone(f"desk {self._desk}: ticket {number} was transferred to another repository") from error
        except TicketGone:
            self.need_repository()
            raise

    def search(self, state: str, **wanted: str) -> list[Issue]:
        """Return our issues with what is `wanted`, and our newest ones whatever they have, lowest number first.

        Nothing is promised of how soon an issue is listed by a label, and a label can be taken off. The list without a
        filter needs no index and no label.
        """
        us, path = self.us().id, f"{self.path}/issues"
        found = self.pages(path, Issue, {**wanted, "state": state, "sort": "created", "direction": "asc"})
        newest = self.http.get(
            path, list[Issue], params={"state": state, "sort": "created", "direction": "desc", "per_page": PAGE}
        )
        issues = {one.number: one for one in (*found, *newest)}
        return [one for _, one in sorted(issues.items()) if one.user is not None and one.user.id == us and one.mark[0]]

    def pages(self, path: str, kind: type[Entry], params: Mapping[str, str | int], ticket: str = "") -> Iterator[Entry]:
        """Return all entries of a list, asked for page by page."""

        def page(number: int) -> list[Entry]:
            asked = {**params, "per_page": PAGE, "page": number + 1}
            return self.http.get(path, list[kind], params=asked, ticket=ticket)  # type: ignore[valid-type]  # known at run time

        return pages(page, full=PAGE)
