"""The recorded week: the whole way in order, one ticket, and nothing of this host in it."""

import socket

import pytest

from agent.case_details import case_details
from agent.demo import CUSTOMER, ENGINEER, HOST, load_demo_configuration, play, tickets
from agent.store import Store


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    """Return the folder on which the week was played, and its scenes."""
    folder = tmp_path_factory.mktemp("week") / "state"
    return folder, list(play(folder))


def test_the_week_tells_the_whole_way_in_order(week):
    """From the first sight to the report, each step once."""
    _, scenes = week
    told = [one.event for scene in scenes for one in scene.told if one.event != "held"]
    assert told == ["found", "opened", "ticket", "agreed", "recovering", "verified", "confirmed", "closed"]


def test_the_week_is_a_week(week):
    """Time and progress only go forward."""
    _, scenes = week
    assert scenes[-1].at - scenes[0].at > 6.9 * 86400
    assert [scene.at for scene in scenes] == sorted({scene.at for scene in scenes})
    assert [scene.progress for scene in scenes] == sorted(scene.progress for scene in scenes)
    assert scenes[-1].progress == 1.0


def test_one_problem_is_one_ticket(week):
    """It is resolved in the end, and carries what was agreed, the recovery and the report."""
    folder, _ = week
    [ticket] = tickets(folder)
    assert ticket.status == "resolved"
    assert [comment.public for comment in ticket.comments] == [True, True, True]
    agreed, recovered, report = (comment.text for comment in ticket.comments)
    assert "Agreed for the work" in agreed
    assert "in order again" in recovered
    assert "a person has confirmed it" in report


def test_the_work_is_done_in_the_time_the_customer_agreed_to(week):
    """The recording's room is made within the first proposed window, before the crossing."""
    folder, scenes = week
    told = {one.event: (scene.at, one) for scene in scenes for one in scene.told}
    [ticket] = tickets(folder)
    assert "Time 1: Saturday 7 March, 00:45 to 01:45" in ticket.body
    recovered = told["recovering"][0] % 86400
    assert 45 * 60 <= recovered <= 105 * 60
    assert told["ticket"][1].title == ticket.title
    assert told["recovering"][0] < told["opened"][1].case.forecast.earliest


def test_the_case_ends_confirmed_by_the_played_customer(week):
    """What the customer said is on record like anybody's word."""
    folder, _ = week
    with Store.open(folder) as store:
        [case] = [case for case in store.cases(include_closed=True) if case.ticket]
        story = [(entry.what, entry.by) for entry in case_details(store, folder, case, {}).time_line]
        assert store.cases() == []
    assert case.closed_by == "person"
    assert [(act.kind, act.option, act.by) for act in case.acts] == [
        ("accept_window", 1, CUSTOMER),
        ("acknowledge", None, ENGINEER),
        ("confirm", None, CUSTOMER),
    ]
    assert ("confirmed", CUSTOMER) in story


def test_it_cannot_be_taken_for_this_host(week):
    """Title and text say that it is a recording; this host's name is nowhere."""
    folder, _ = week
    [ticket] = tickets(folder)
    assert "(recording)" in ticket.title
    assert "a recording, not a real host" in ticket.body
    assert f"Host: {HOST.name}" in ticket.body
    everything = ticket.title + ticket.body + "".join(comment.text for comment in ticket.comments)
    assert socket.gethostname() not in everything.replace("recording", "").split()


def test_nothing_of_this_host_is_read(tmp_path, monkeypatch):
    """No collector is asked, whatever is configured here, and the host's time zone moves nothing."""
    monkeypatch.setenv("FORETELL_CONFIG", str(tmp_path / "a-file-that-is-not-there.toml"))
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    for one in load_demo_configuration().collectors:
        monkeypatch.setattr(type(one.collector), "collect", lambda *_: pytest.fail("this host was read"))
    scenes = list(play(tmp_path / "state"))
    assert "closed" in {one.event for scene in scenes for one in scene.told}
    assert load_demo_configuration().zone == "UTC"
