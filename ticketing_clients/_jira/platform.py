"""Jira's REST interface, version 3 in the cloud and version 2 in a data center: how it is asked, and what it hides.

- With a token that has expired some questions are answered as to a stranger: nothing found, 200, or 404. So the login is asked
  about before "not there" is believed.
- An issue that we may not see is 404, like one that is not there.
- In the cloud a search reads an index that lags behind by seconds, at times minutes, without a bound. `reconcileIssues` mends
  that for issues whose ids are known, which is what nobody knows after a lost answer, and properties of issues are not searchable
  without an installed app. But the issues of a project are numbered one after the other, and `issue/bulkfetch` reads the issues
  themselves: so what the index finds is read anew, with the newest hundred issues that it has, and with what comes after them.
- A data center writes its index before it answers; its other nodes follow within seconds, well before anything is asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ticketing_clients._asking import numeric, page_numbers, pages
from ticketing_clients._errors import DeskUnreachable, NotAuthorised, OutcomeUnknown, Rejected, TicketGone
from ticketing_clients._jira.answers import (
    AttachmentSettings,
    CreateFields,
    Field,
    Issue,
    IssueStatus,
    Named,
    Page,
    Permissions,
    Remark,
    Remarks,
    Transition,
    Transitions,
    User,
)

if TYPE_CHECKING:
    from ticketing_clients._http import Http

PAGE = 100  # issues or comments asked for at once
RIGHTS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "TRANSITION_ISSUES",
    "ADD_COMMENTS",
    "CREATE_ATTACHMENTS",
    "LINK_ISSUES",
)
PER_ISSUE_LIMIT = "jira-per-issue-on-write"  # what a 429 says when it is for one issue alone


Answer = TypeVar("Answer")
Params = Mapping[str, str | int | list[str]]


class Platform:
    """One project of a Jira, asked through `http`."""

    def __init__(self, http: Http, desk: str, project: str, *, cloud: bool) -> None:
        """Given the base, the desk's name for messages, the project's key, and which of the two Jiras it is."""
        self.http = http
        self.cloud = cloud
        self.api = f"rest/api/{3 if cloud else 2}"
        self._desk = desk
        self._project = project
        self._seen = False
        self._us: User | None = None
        self._priorities: list[Named] = []
        self._statuses: list[IssueStatus] = []

    # -- issues -----------------------------------------------------------------------------------------------------

    def issue(self, number: str, fields: str, expand: str = "") -> Issue:
        """Return the issue with `fields` (ids, with commas). Raises TicketGone."""
        return self._about(number, "", Issue, {"fields": fields} | ({"expand": expand} if expand else {}))

    def path(self, number: str) -> str:
        """Return where the issue is. Raises TicketGone for what is no id."""
        return f"{self.api}/issue/{numeric(number)}"

    def search(self, jql: str, fields: tuple[str, ...]) -> list[Issue]:
        """Return the issues that `jql` finds, and in the cloud also those that its index may not have yet: look at each."""
        self.need_project()
        if not self.cloud:
            return list(self._pages(jql, fields))
        # The newest one first: what is indexed between the two searches is then found by one of them.
        newest = next(self._pages(f"project = {quoted(self._project)} ORDER BY key DESC", ("key",), limit=1), None)
        found = {one.id: one for one in self._fetch([hit.id for hit in self._pages(jql, ("key",))], fields)}
        last = newest.number if newest else 0
        for number in page_numbers():
            start = max(1, last - PAGE + 1) + number * PAGE
            chunk = self._fetch([f"{self._project}-{issue}" for issue in range(start, start + PAGE)], fields)
            found |= {one.id: one for one in chunk}
            if start > last and not chunk:
                break
        return list(found.values())

    def newest(self, condition: str) -> Issue | None:
        """Return the project's newest issue that the index has with `condition`, None when there is none."""
        jql = f"project = {quoted(self._project)} AND {condition} ORDER BY key DESC"
        return next(self._pages(jql, ("key", "status"), limit=1), None)

    def _fetch(self, names: list[str], fields: tuple[str, ...]) -> list[Issue]:
        """Return the issues with these ids or keys as they are, without those that are not there."""
        found: list[Issue] = []
        for start in range(0, len(names), PAGE):
            content = {"issueIdsOrKeys": names[start : start + PAGE], "fields": fields}
            try:
                page = self.http.change("POST", f"{self.api}/issue/bulkfetch", Page, json=content)
            except OutcomeUnknown as error:  # it is a question, whatever the method
                raise DeskUnreachable(str(error)) from error
            found += page.issues
        return found

    def _pages(self, jql: str, fields: tuple[str, ...], limit: int = PAGE) -> Iterator[Issue]:
        """Yield what the index has, page by page. In the cloud a hit has no key unless it is one of the `fields`."""
        asked: dict[str, str | int | list[str]] = {"jql": jql, "fields": ",".join(fields), "maxResults": limit}
        for _ in page_numbers():
            page = self.http.get(f"{self.api}/search{'/jql' if self.cloud else ''}", Page, params=asked)
            yield from page.issues
            begin = int(str(asked.get("startAt", 0))) + len(page.issues)
            if self.cloud and page.next_page_token:
                asked["nextPageToken"] = page.next_page_token
            elif not self.cloud and page.issues and begin < page.total:
                asked["startAt"] = begin
            else:
                return

    # -- what happens on an issue -----------------------------------------------------------------------------------

    def remarks(self, number: str) -> list[Remark]:
        """Return the newest hundred comments, the newest first."""
        params: Params = {"orderBy": "-created", "maxResults": PAGE, "expand": "renderedBody"}
        return self._about(number, "/comment", Remarks, params).comments

    def transitions(self, number: str) -> list[Transition]:
        """Return where the issue may go from here, with the fields that Jira says the way asks for. It says not of all."""
        return self._about(number, "/transitions", Transitions, {"expand": "transitions.fields"}).transitions

    def link(self, number: str, other: str, name: str) -> None:
        """Link an issue to the `other` by the type called `name`."""
        ends = {"inwardIssue": {"id": str(numeric(number))}, "outwardIssue": {"id": str(numeric(other))}}
        content = {"type": {"name": name}, **ends}
        self.http.change("POST", f"{self.api}/issueLink", object, ticket=number, json=content)

    def _about(self, number: str, what: str, kind: type[Answer], params: Params) -> Answer:
        """Return what is told about an issue. Raises NotAuthorised rather than TicketGone when it is we who are not let in."""
        try:
            return self.http.get(f"{self.path(number)}{what}", kind, params=params, ticket=number)
        except TicketGone:
            self.us()
            self.project()
            raise

    # -- the site ---------------------------------------------------------------------------------------------------

    def us(self) -> User:
        """Return who we are. Raises NotAuthorised when we are nobody."""
        if self._us is None:
            self._us = self.http.get(f"{self.api}/myself", User)
        return self._us

    def need_project(self) -> None:
        """Raise NotAuthorised unless we are logged in and shown the project; seen once is enough for a batch."""
        if not self._seen:
            self.us()
            self.project()
            self._seen = True

    def project(self) -> Named:
        """Return the project. Raises NotAuthorised where it is not shown: a search there finds nothing, and says 200."""
        try:
            return self.http.get(f"{self.api}/project/{self._project}", Named)
        except Rejected as error:
            raise NotAuthorised(f"{error}; is this the project's key, and may this account browse it?") from error

    def priorities(self) -> list[Named]:
        """Return the site's priorities, the most urgent first."""
        self._priorities = self._priorities or self.http.get(f"{self.api}/priority", list[Named])
        return self._priorities

    def statuses(self) -> list[IssueStatus]:
        """Return the site's statuses."""
        self._statuses = self._statuses or self.http.get(f"{self.api}/status", list[IssueStatus])
        return self._statuses

    def resolutions(self) -> list[Named]:
        """Return the site's resolutions."""
        return self.http.get(f"{self.api}/resolution", list[Named])

    def link_types(self) -> list[str]:
        """Return the names of the site's types of link."""
        answer = self.http.get(f"{self.api}/issueLinkType", dict[str, list[Named]])
        return [one.name for one in answer["issueLinkTypes"]]

    def create_fields(self, issue_type: str) -> dict[str, Field]:
        """Return the fields with which an issue of this type can be made, by their ids."""
        path = f"{self.api}/issue/createmeta/{self._project}/issuetypes/{issue_type}"

        def page(number: int) -> list[Field]:
            answer = self.http.get(path, CreateFields, params={"maxResults": PAGE, "startAt": number * PAGE})
            return answer.fields or answer.values

        return {one.field_id: one for one in pages(page, full=PAGE)}

    def attachment_settings(self) -> AttachmentSettings:
        """Return what may be attached."""
        return self.http.get(f"{self.api}/attachment/meta", AttachmentSettings)

    def lacking(self) -> list[str]:
        """Return which of the permissions that we need in the project we do not have."""
        params = {"projectKey": self._project, "permissions": ",".join(RIGHTS)}
        have = self.http.get(f"{self.api}/mypermissions", Permissions, params=params).permissions
        return [right for right in RIGHTS if right not in have or not have[right].have_permission]


def quoted(value: str) -> str:
    """Return `value` as a string of JQL, which is written like one of JSON."""
    return msgspec.json.encode(value).decode()
