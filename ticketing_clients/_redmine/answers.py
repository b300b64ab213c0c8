"""Redmine's answers, typed: only what is looked at."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec


class Named(msgspec.Struct, frozen=True):
    """Whatever Redmine names."""

    id: int
    name: str = ""
    is_closed: bool = False


class Field(msgspec.Struct, frozen=True):
    """A custom field's value on an issue; None or a list where it is not a single text."""

    id: int
    value: Any = None


class Detail(msgspec.Struct, frozen=True):
    """One value that an event changed."""

    name: str
    old_value: str | None = None
    new_value: str | None = None


class Journal(msgspec.Struct, frozen=True):
    """One event of an issue's history: what was written, what was changed, or both."""

    id: int
    user: Named
    created_on: datetime
    notes: str | None = ""
    private_notes: bool = False
    details: list[Detail] = []


class File(msgspec.Struct, frozen=True):
    """A file on an issue."""

    filename: str
    filesize: int


class Relation(msgspec.Struct, frozen=True):
    """That one issue has to do with another."""

    issue_id: int
    issue_to_id: int
    relation_type: str


class Issue(msgspec.Struct, frozen=True):
    """An issue. What was not asked to be included is empty."""

    id: int
    status: Named
    priority: Named
    tracker: Named
    subject: str = ""
    custom_fields: list[Field] = []
    assigned_to: Named | None = None
    due_date: date | None = None
    description: str | None = ""
    journals: list[Journal] = []
    attachments: list[File] = []
    relations: list[Relation] = []
    allowed_statuses: list[Named] = []

    def value(self, field: int) -> str:
        """Return what the custom field holds, empty where it is not there or not one text."""
        return next((one.value for one in self.custom_fields if one.id == field and isinstance(one.value, str)), "")


class Answer(msgspec.Struct, frozen=True):
    """One issue."""

    issue: Issue


class ProjectAnswer(msgspec.Struct, frozen=True):
    """One project."""

    project: Project


class Token(msgspec.Struct, frozen=True):
    """What a file that was sent is called until it is attached."""

    token: str


class Upload(msgspec.Struct, frozen=True):
    """A file that was sent."""

    upload: Token


class Issues(msgspec.Struct, frozen=True):
    """One page of issues."""

    issues: list[Issue]
    total_count: int


class Role(Named, frozen=True):
    """What its members may do."""

    permissions: list[str] = []


class Membership(msgspec.Struct, frozen=True):
    """The roles that a user has in a project, by itself or by its groups."""

    project: Named
    roles: list[Role]


class User(msgspec.Struct, frozen=True):
    """Who we are at the desk."""

    id: int
    login: str
    admin: bool = False
    memberships: list[Membership] = []


class Project(Named, frozen=True):
    """A project, with its trackers."""

    trackers: list[Named] = []
