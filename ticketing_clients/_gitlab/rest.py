"""GitLab's REST interface, version 4, as typed answers: how one project's issues are asked for, and what that hides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec

from ticketing_clients._asking import numeric, pages
from ticketing_clients._errors import NotAuthorised, Rejected, TicketGone
from ticketing_clients._issues import mark_of

if TYPE_CHECKING:
    from ticketing_clients._http import Http

PAGE = 100  # the most that GitLab gives at once
LEAST_ROLE = 15  # Planner, where there is one; otherwise Reporter, which is 20

Entry = TypeVar("Entry")


class User(msgspec.Struct, frozen=True):
    """Somebody."""

    id: int
    username: str
    name: str = ""


class Links(msgspec.Struct, frozen=True):
    """What an issue leads to."""

    closed_as_duplicate_of: str | None = None


class Issue(msgspec.Struct, frozen=True):
    """An issue. `iid` is its number in the project."""

    iid: int
    web_url: str
    state: str
    author: User
    title: str = ""
    description: str | None = None
    labels: list[str] = []
    assignees: list[User] = []
    due_date: date | None = None
    confidential: bool = False
    moved_to_id: int | None = None
    links: Links = msgspec.field(default=Links(), name="_links")

    @property
    def mark(self) -> tuple[str, str]:
        """Its key and its host's marker, empty where there are none."""
        return mark_of(self.description or "")


class Note(msgspec.Struct, frozen=True):
    """A comment, or where `system` is set, what GitLab noted of a change."""

    id: int
    body: str
    author: User
    created_at: datetime
    system: bool = False
    internal: bool = False


class Change(msgspec.Struct, frozen=True):
    """That an issue was closed or opened again; no `user` is a deleted account."""

    id: int
    state: str
    created_at: datetime
    user: User | None = None


class Upload(msgspec.Struct, frozen=True):
    """A file in the project, and how a text shows it."""

    markdown: str


class Member(msgspec.Struct, frozen=True):
    """What somebody is in a project."""

    access_level: int


class Project(msgspec.Struct, frozen=True):
    """A project."""

    path_with_namespace: str
    visibility: str
    archived: bool = False
    issues_access_level: str = "enabled"


class GitLabRest:
    """One project, asked through `http`."""

    def __init__(self, http: Http, desk: str, project: str) -> None:
        """Given the base, the desk's name for messages, and the project's path or number."""
        self.http = http
        self.path = f"projects/{quote(project, safe='')}"
        self._desk = desk
        self._us: User | None = None
        self._obstacles: list[str] | None = None

    def us(self) -> User:
        """Return who we are."""
        if self._us is None:
            self._us = self.http.get("user", User)
        return self._us

    def obstacles(self) -> list[str]:
        """Return what keeps the project from being a desk. Raises NotAuthorised where it is not shown."""
        if self._obstacles is None:
            try:
                project = self.http.get(self.path, Project)
            except Rejected as error:
                raise NotAuthorised(f"{error}; is this the project, and may this user see it?") from error
            self._obstacles = [
                what
                for what, there in {
                    "it is public, and so would be the files of its tickets": project.visibility == "public",
                    "its issues are switched off": project.issues_access_level == "disabled",
                    "it is archived": project.archived,
                    "this user is not at least Planner or Reporter there, and GitLab would drop labels"
                    " and make internal notes public": self._role() < LEAST_ROLE,
                }.items()
                if there
            ]
        return self._obstacles

    def need_project(self) -> None:
        """Raise NotAuthorised when the project cannot be a desk: nothing is sent until somebody has mended that."""
        if obstacles := self.obstacles():
            raise NotAuthorised(f"desk {self._desk}: the project cannot be used: {'; '.join(obstacles)}")

    def issue(self, number: str) -> Issue:
        """Return the issue. Raises TicketGone.

        301 is for all issues when the project was renamed; 404 for a deleted one, and for all when this user lost its rights.
        One that was moved to another project is left behind closed.
        """
        try:
            issue = self.http.get(f"{self.path}/issues/{numeric(number)}", Issue, ticket=number)
        except TicketGone:
            self.need_project()
            raise
        if issue.moved_to_id is not None:
            raise TicketGone(f"desk {self._desk}: ticket {number} was moved to another project")
        return issue

    def search(self, state: str, **wanted: str | int) -> list[Issue]:
        """Return our issues with what is `wanted`, and our newest ones whatever they have, lowest number first.

        A label can be taken off, and was perhaps never put on; the newest are looked through all the same.
        """
        us, path, both = self.us().id, f"{self.path}/issues", {"state": state, "scope": "all", "order_by": "created_at"}
        found = self.pages(path, Issue, {**wanted, **both, "sort": "asc"})
        newest = self.http.get(path, list[Issue], params={**both, "author_id": us, "sort": "desc", "per_page": PAGE})
        issues = {one.iid: one for one in (*found, *newest)}
        ours = [one for _, one in sorted(issues.items()) if one.author.id == us and one.mark[0]]
        return [one for one in ours if one.moved_to_id is None]

    def notes(self, number: int) -> list[Note]:
        """Return all notes of an issue, the oldest first."""
        path, params = f"{self.path}/issues/{number}/notes", {"sort": "asc", "order_by": "created_at"}
        return list(self.pages(path, Note, params, str(number)))

    def pages(
        self, path: str, kind: type[Entry], params: Mapping[str, str | int] | None = None, ticket: str = ""
    ) -> Iterator[Entry]:
        """Return all entries of a list, page by page up to an empty one: what we may not see is left out of the others."""

        def page(number: int) -> list[Entry]:
            asked = {**(params or {}), "per_page": PAGE, "page": number + 1}
            return self.http.get(path, list[kind], params=asked, ticket=ticket)  # type: ignore[valid-type]  # known at run time

        return pages(page)

    def _role(self) -> int:
        """Return our role in the project, 0 for none, inherited and invited membership included."""
        try:
            return self.http.get(f"{self.path}/members/all/{self.us().id}", Member).access_level
        except Rejected:  # not found: no member
            return 0
