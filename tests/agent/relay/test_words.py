"""What a group's ticket says, and what of the alerts it does not."""

import pytest

from agent.wording.languages import languages
from fleet import NOW, TICKET, WINDOW, alert, group, of_an_agent, words
from ticketing_clients import to_plain


def everything(ticket):
    return f"{ticket.title}\n{to_plain(ticket.body)}{ticket.subject}{ticket.device}{ticket.labels}"


def test_a_group_of_one_is_the_ticket_that_its_agent_wrote():
    said = words().ticket(group(of_an_agent()), NOW)
    assert (said.title, said.body, said.windows) == (TICKET.title, TICKET.body, TICKET.windows)
    assert said.key == group(of_an_agent()).key
    assert (said.device.id, said.device.name) == ("relay", "web01")


def test_a_group_of_many_says_how_many_and_names_the_rack_they_share():
    members = [alert(n, rack="r7", since=NOW - 300 + n) for n in range(12)]
    said = words().ticket(group(*members), NOW)
    assert said.title == "12 computers at once: A file system is running full"
    assert "rack is r7: 12 of 12" in to_plain(said.body)
    assert "began between" in to_plain(said.body)


def test_it_lists_the_first_twenty_and_counts_the_rest():
    text = to_plain(words().ticket(group(*(alert(n) for n in range(30)), truncatedAlerts=100), NOW).body)
    assert text.count("may be full") == 20
    assert "110 more are not listed here." in text


def test_labels_and_annotations_that_nobody_named_do_not_leave():
    """A process, a user, a path in a label of Prometheus', or a runbook's address: the relay passes on a closed list."""
    planted = {"user": "plant-user", "process": "plant-process", "path": "/plant-path"}
    members = [alert(n, **planted) for n in range(5)]
    for one in members:
        one["annotations"] |= {"runbook": "plant-runbook", "host_serial": "plant-serial"}
    said = words()
    texts = [everything(said.ticket(group(*members), NOW))]
    texts += [
        to_plain(said.comment(group(*members), topic, "m", NOW).body)
        for topic in ("members", "over", "back", "not_fixed")
    ]
    assert "plant" not in "".join(texts)


def test_hostile_names_make_no_structure():
    hostile = [alert(n, host=f"# Paid :: {n}\n- x") for n in range(3)]
    body = words().ticket(group(*hostile), NOW).body
    rows = [label for block in body.blocks if type(block).__name__ == "Facts" for label, _ in block.rows]
    assert "# Paid :: 0 - x" in rows


@pytest.mark.parametrize("language", languages())
def test_everything_can_be_said_in_every_language(language):
    said = words(language)
    many = group(*(alert(n, rack="r7") for n in range(25)), alert(30, ended=NOW, foretell_key="b" * 64))
    for told in (many, group(of_an_agent(), alert(2)), group(alert(1, ended=NOW))):
        assert to_plain(said.ticket(told, NOW).body)
        for topic in ("members", "well", "over", "back", "not_fixed", "not_agreed"):
            assert to_plain(said.comment(told, topic, "m", NOW).body)
    for topic in ("closed", "ended"):
        assert to_plain(said.notice(topic, "m", NOW).body)
    agreed = to_plain(said.notice("agreed", "m", NOW, window=WINDOW, by="Ann").body)
    assert "Ann" in agreed
    if language != "en":
        assert "agreed" not in agreed
