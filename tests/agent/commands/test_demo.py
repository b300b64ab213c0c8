"""`foretell demo`: what a person sees of the recorded week."""

EVENTS = ["found", "opened", "ticket", "agreed", "recovering", "verified", "confirmed", "closed"]


def test_it_tells_the_way_and_shows_the_ticket(process):
    """Labelled as a recording first and last, on a narrow terminal too."""
    ended = process("demo", COLUMNS="80")
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "A RECORDING of one week of web01 (recording); nothing of this host is read."
    assert max(map(len, lines)) <= 80
    places = [ended.out.index(f" {event} ") for event in EVENTS]
    assert places == sorted(places)
    assert ended.out.count("Ticket L1: ") == 1
    assert "Report\n" in ended.out
    assert "That was a RECORDING" in " ".join(lines[-4:])


def test_it_leaves_nothing(foretell, tmp_path):
    """Not even in the state folder that other commands use."""
    foretell("demo")
    assert list(tmp_path.iterdir()) == []


def test_a_kept_week_can_be_looked_at_afterwards(foretell, tmp_path):
    """With the commands for the real thing."""
    week = tmp_path / "week"
    ended = foretell("demo", "--state-dir", week)
    assert f"foretell cases list --all --state-dir {week}" in " ".join(ended.out.split())
    listed = foretell("cases", "--all", "--json", "--state-dir", week).json
    assert [case["state"] for case in listed if case["ticket"]] == ["closed"]


def test_a_folder_that_holds_something_is_not_played_on(foretell, tmp_path):
    """A recording among real cases could not be told from them."""
    (tmp_path / "week").mkdir()
    (tmp_path / "week" / "agent.sqlite").touch()
    ended = foretell("demo", "--state-dir", tmp_path / "week")
    assert ended.status == 2
    assert "is not empty; name a new folder" in ended.err
