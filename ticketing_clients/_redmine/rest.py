"""Redmine's REST interface: how it is asked, and what it drops or leaves out in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from ticketing_clients._asking import numeric, pages
from ticketing_clients._errors import NotAuthorised, Rejected, TicketGone
from ticketing_clients._redmine.answers import Answer, Issue, Issues, Named, Project, ProjectAnswer, Role, User

if TYPE_CHECKING:
    from ticketing_clients._http import Http

PAGE = 100  # the most that Redmine gives at once
RIGHTS = frozenset(
    {
        "view_issues",
        "add_issues",
        "edit_issues",
        "add_issue_notes",
        "set_notes_private",
        "view_private_notes",
        "manage_issue_relations",
    }
)
NOBODYS = "no ticket has this"  # a value for asking whether a filter filters


Whole = TypeVar("Whole")


class RedmineRest:
    """One project, asked through `http`. `needed` are the custom fields without which no issue could be found again."""

    def __init__(self, http: Http, desk: str, project: str, needed: tuple[int, ...]) -> None:
        """Given the base, the desk's name for messages, the project's identifier and the ids of its needed fields."""
        self.http = http
        self._desk = desk
        self._project = f"projects/{quote(project, safe='')}"
        self._needed = needed
        self._us: User | None = None
        self._lacking: frozenset[str] | None = None
        self._priorities: list[int] = []
        self._closed: set[int] | None = None

    def issue(self, number: str, include: str = "") -> Issue:
        """Return the issue with what is to be included. Raises TicketGone.

        403 is for one issue when a person moved it where this user sees nothing, and for all when the user lost its rights.
        """
        try:
            return self.http.get(
                f"issues/{numeric(number)}.json", Answer, params={"include": include}, ticket=number
            ).issue
        except NotAuthorised as error:
            self.project()
            raise TicketGone(f"desk {self._desk}: ticket {number} may no longer be seen; was it moved?") from error

    def search(self, field: int, value: str, *, only_open: bool = False) -> list[Issue]:
        """Return the project's issues whose custom field is exactly `value`, lowest id first, all pages of them."""
        self.need_fields()
        found = self._issues(f"cf_{field}", "=", value, only_open=only_open)
        return [one for one in found if one.value(field) == value]  # some databases compare without regard to case

    def titled(self, part: str) -> list[Issue]:
        """Return the project's open issues with `part` in their subject, or something like it, lowest id first."""
        return self._issues("subject", "~", part, only_open=True)

    def _issues(self, name: str, operator: str, value: str, *, only_open: bool) -> list[Issue]:
        """Return all pages of what a filter finds."""

        def page(number: int) -> list[Issue]:
            return self._page(name, operator, value, only_open=only_open, offset=number * PAGE).issues

        return sorted(pages(page, full=PAGE), key=lambda one: one.id)

    def need_fields(self) -> None:
        """Raise NotAuthorised when the project is not shown, or when a search by a needed field would not be one.

        Redmine ignores a filter that it does not know and answers with all issues. Nothing was sent, and all can be sent once
        somebody has mended it.
        """
        for field in self._needed:
            if not self.filters(field):
                raise NotAuthorised(
                    f"desk {self._desk}: custom field {field} is not there for this project or not used as a filter;"
                    " see `foretell doctor`"
                )
        self._needed = ()  # seen once is enough for a batch

    def filters(self, field: int) -> bool:
        """Return whether issues are told apart by the custom field; a project without issues cannot show that it does not."""
        return self._page(f"cf_{field}", "=", NOBODYS, limit=1).total_count == 0

    def project(self) -> Project:
        """Return the project, if this user is shown it."""
        return self._of_project(".json", ProjectAnswer, {"include": "trackers"}).project

    def us(self) -> User:
        """Return who we are."""
        if self._us is None:
            self._us = self.http.part("users/current.json", "user", User, params={"include": "memberships"})
        return self._us

    def lacking(self) -> frozenset[str]:
        """Return which of the rights that we need we do not have in the project; an administrator has all."""
        if self._lacking is None:
            us, project = self.us(), self.project().id
            roles = {role.id for one in us.memberships if one.project.id == project for role in one.roles}
            may = {name for role in roles for name in self.http.part(f"roles/{role}.json", "role", Role).permissions}
            self._lacking = frozenset() if us.admin else RIGHTS - may
        return self._lacking

    def priorities(self) -> list[int]:
        """Return the ids of the desk's priorities, the least urgent first."""
        if not self._priorities:
            self._priorities = [one.id for one in self._named("enumerations/issue_priorities.json", "issue_priorities")]
        return self._priorities

    def statuses(self) -> list[Named]:
        """Return the desk's statuses."""
        return self._named("issue_statuses.json", "issue_statuses")

    def closed(self) -> set[int]:
        """Return the ids of the statuses that the desk counts as closed."""
        if self._closed is None:
            self._closed = {one.id for one in self.statuses() if one.is_closed}
        return self._closed

    def _named(self, path: str, key: str) -> list[Named]:
        return self.http.part(path, key, list[Named])

    def _page(
        self, name: str, operator: str, value: str, *, only_open: bool = False, offset: int = 0, limit: int = PAGE
    ) -> Issues:
        # The long form of a filter; in the short one, `cf_1=value`, a value may say >=, ~ or |.
        params: dict[str, str | int | list[str]] = {
            "f[]": [name, "status_id"],
            f"op[{name}]": operator,
            f"v[{name}][]": value,
            "op[status_id]": "o" if only_open else "*",
            "sort": "id",
            "offset": offset,
            "limit": limit,
        }
        return self._of_project("/issues.json", Issues, params)

    def _of_project(self, path: str, kind: type[Whole], params: dict[str, str | int | list[str]]) -> Whole:
        """Return what is at `path` of the project. Raises NotAuthorised where it is not shown: 403, or 404 for a wrong name."""
        try:
            return self.http.get(f"{self._project}{path}", kind, params=params)
        except Rejected as error:
            raise NotAuthorised(f"{error}; is this the project's identifier?") from error
