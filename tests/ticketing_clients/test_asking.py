"""Around every request: all pages, no file that is too large, and nothing taken as done that is not there."""

from __future__ import annotations

import pytest

from ticketing_clients import Attachment, DeskUnreachable, NotApplied, Rejected, TicketGone
from ticketing_clients._asking import MOST_PAGES, need_all, need_room, numeric, pages


def test_pages_are_asked_for_until_one_is_not_full():
    """No further one is asked for."""
    asked = []

    def page(number):
        asked.append(number)
        return [[1, 2], [3, 4], [5]][number]

    assert list(pages(page, full=2)) == [1, 2, 3, 4, 5]
    assert asked == [0, 1, 2]


def test_a_short_page_is_not_the_last_where_a_desk_leaves_something_out():
    """Unless a full page is told of, only an empty one ends the list."""
    parts = [[1, 2], [3], [4, 5], []]
    assert list(pages(parts.__getitem__)) == [1, 2, 3, 4, 5]


def test_a_list_without_an_end_is_given_up():
    """A desk that passes over the page that was asked for gives the first one for ever."""
    asked = []

    def page(number):
        asked.append(number)
        return [1, 2]

    with pytest.raises(DeskUnreachable, match="no end"):
        list(pages(page, full=2))
    assert len(asked) == MOST_PAGES


def test_what_is_not_as_asked_is_named():
    """All of it, with what was done and what may explain it."""
    need_all({"key": True}, "ticket 1 was created", "a rule changed it")
    with pytest.raises(
        NotApplied, match=r"^ticket 1 was created without the key, due time asked for: a rule changed it$"
    ):
        need_all({"key": False, "priority": True, "due time": False}, "ticket 1 was created", "a rule changed it")


def test_a_file_may_be_as_large_as_the_limit_and_no_larger():
    """The limit is named with its number."""
    file = Attachment(name="a.gz", media_type="application/gzip", content=b"12345")
    need_room(file, 5, "helpdesk")
    with pytest.raises(Rejected, match=r"^desk helpdesk: a\.gz has 5 bytes, more than the 4 of largest_attachment$"):
        need_room(file, 4, "helpdesk")


@pytest.mark.parametrize("ticket", ["", "1/../2", "-1", "\uff11", "1 OR 1=1"])
def test_what_is_no_number_is_no_ticket(ticket):
    """So nothing else gets into an address or a search; digits of other scripts do not either."""
    with pytest.raises(TicketGone):
        numeric(ticket)
