"""What is in a bundle at which level, what is not, and that its bytes depend on nothing else."""

import hashlib
import os

import msgspec
import pytest

from agent.bundle._masking import LAYOUTS
from agent.bundle._reading import JOURNALCTL
from agent.collecting import ConfiguredCollector
from agent.diagnosis import DiagnosisFact, Unseen
from agent.line_templates import load_templates
from agent.redaction import LONGEST_LINE
from collectors import CollectorOptions, CollectorPlugin, Completed, CouldNotCheck, Reading
from redaction_corpus import SHAPES, forms, leaks, redactor

LINE = b"2026-11-24T00:44:01+0000 web01 systemd[1]: Started shop.service - Shop."
LISTS = {"case", "diagnosis", "measured", "packages"}
LOGS = {"unit-journal", "kernel-journal", "system-journal", "dpkg-log", "apt-history"}


def redactor_of_the_corpus():
    """Return what redacts by the rules of a bundle, and knows the names that are planted."""
    return redactor(load_templates([LAYOUTS]))


class Collects:
    """A collector that yields what it is given."""

    def __init__(self, items):
        self.items = items

    def collect(self, _at):
        yield from self.items


def collector(name, *items):
    """Return a configured collector called so."""
    plugin = CollectorPlugin(name=name, summary="x", options=CollectorOptions, build=lambda *_: None, readings=())
    return ConfiguredCollector(plugin=plugin, options=CollectorOptions(), collector=Collects(items))


@pytest.fixture
def full(host):
    """A host on which every source has something to say."""
    host.journal = [LINE]
    host.log("dpkg.log", [b"2026-11-24 00:44:01 status installed nginx:amd64 1.18.0-6"])
    host.log("apt/history.log", [b"Start-Date: 2026-11-24  00:44:01"])
    return host


@pytest.mark.parametrize(
    ("level", "expected"), [("none", set()), ("facts", LISTS), ("excerpt", LISTS | LOGS), ("logs", LISTS | LOGS)]
)
def test_each_level_lets_out_what_it_names(full, level, expected):
    """And the manifest says of the rest that it was consent that kept it here."""
    bundle = full.bundle(level)
    assert {name.removesuffix(".txt") for name in bundle.files} - {"README", "MANIFEST.json"} == expected
    for source in (LISTS | LOGS) - expected:
        assert bundle.why(source) == f"consent `{level}` does not let it out"


def test_what_is_not_allowed_is_not_even_read(full):
    """No program runs for it."""
    full.bundle("facts")
    assert not any(argv[0] == JOURNALCTL for argv in full.ran)


def test_an_excerpt_is_the_newest_two_hundred_lines(full):
    """A tail has them all."""
    full.journal = [LINE.replace(b"Shop", b"Shop%d" % number) for number in range(300)]
    excerpt = full.bundle("excerpt")
    lines = excerpt.text("unit-journal").splitlines()
    assert (len(lines), "Shop299." in lines[-1], "Shop100." in lines[0]) == (200, True, True)
    [told] = [file for file in excerpt.manifest["files"] if file["source"] == "unit-journal"]
    assert (told["read"], told["lines"], told["caps"]) == (300, 200, ["lines"])
    assert len(full.bundle("logs").text("unit-journal").splitlines()) == 300


def test_the_same_bytes_are_made_of_the_same_things(full):
    """So that what was previewed can be compared with what leaves."""
    first = full.bundle()
    os.utime(full.root / "var/log/dpkg.log", (0, 0))
    second = full.bundle()
    assert first.content == second.content
    assert first.built.sha256 == hashlib.sha256(first.content).hexdigest()
    assert {entry.mtime for entry in first.entries} == {int(full.case.opened_at)}
    assert {(entry.uid, entry.gid, entry.uname, entry.isreg()) for entry in first.entries} == {(0, 0, "", True)}
    assert full.target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in full.target.parent.iterdir()] == [full.target.name]


def test_the_manifest_has_each_file_as_it_is(full):
    """Hash, size, lines and what was replaced."""
    full.log("dpkg.log", [b"2026-11-24 00:44:01 status installed nginx:amd64 1.18.0-6", b"what no template knows"])
    bundle = full.bundle()
    for told in bundle.manifest["files"]:
        content = bundle.files[told["name"]]
        assert told["sha256"] == hashlib.sha256(content).hexdigest()
        assert (told["bytes"], told["lines"]) == (len(content), content.count(b"\n"))
    [dpkg] = [told for told in bundle.manifest["files"] if told["source"] == "dpkg-log"]
    assert (dpkg["read"], dpkg["withheld"]) == (2, {"no_template": 1})
    [journal] = [told for told in bundle.manifest["files"] if told["source"] == "unit-journal"]
    assert journal["redactions"]["host_field"] == 1
    readme = bundle.files["README"].decode()
    assert "dpkg-log.txt: which packages came and went\n    1 of 2 lines; 1 withheld, 0 places replaced" in readme
    assert "Consent   logs" in readme


@pytest.mark.parametrize(
    ("what", "answer", "why"),
    [
        ("status", Completed(1, "", "hunter2: no such thing"), "journalctl failed with status 1"),
        ("rights", Completed(0, "", "Hint: You are currently not seeing messages from other users"), "systemd-journal"),
        ("size", Completed(0, "", "", truncated=True), "there is more of it than"),
    ],
)
def test_a_source_that_cannot_be_read_is_left_out_with_words_of_ours(full, what, answer, why):  # noqa: ARG001 - names the case
    """What the program said is quoted nowhere."""
    full.says[JOURNALCTL] = answer
    bundle = full.bundle()
    assert why in bundle.why("unit-journal")
    assert b"hunter2" not in b"".join(bundle.files.values())


@pytest.mark.parametrize(
    "subject", [{"mountpoint": "/"}, {"unit": "*"}, {"unit": "--file=/etc/shadow"}, {"unit": "-x"}]
)
def test_a_journal_is_asked_for_plain_units_only(full, subject):
    """A subject comes from the host, and journalctl understands patterns and options."""
    full.case = type(full.case)(
        **{name: getattr(full.case, name) for name in full.case.__struct_fields__} | {"subject": subject}
    )
    assert full.bundle().why("unit-journal") == "the problem is about no unit"


def test_links_and_pipes_in_log_folders_are_refused(full):
    """Whoever may write there must not choose what leaves."""
    log = full.root / "var/log/dpkg.log"
    log.unlink()
    log.symlink_to("/etc/passwd")
    history = full.root / "var/log/apt/history.log"
    history.unlink()
    os.mkfifo(history)
    bundle = full.bundle()
    assert "link" in bundle.why("dpkg-log")
    assert "a pipe" in bundle.why("apt-history")


def test_a_bundle_has_no_more_than_it_may(full):
    """What does not fit is named."""
    full.packages = [b"package-%d 1.0 amd64" % number for number in range(2000)]
    bundle = full.bundle(largest=10_000)
    assert bundle.why("packages") == "the bundle may have 10000 bytes"
    assert sum(told["bytes"] for told in bundle.manifest["files"]) <= 10_000


def test_a_list_keeps_its_beginning_and_says_that_it_was_cut(full):
    """By lines and by bytes."""
    full.packages = [b"package-%04d 1.0 amd64" % number for number in range(6000)]
    lines = full.bundle().text("packages").splitlines()
    assert (len(lines), lines[0]) == (5000, "package-0000 1.0 amd64")


def test_a_source_that_takes_too_long_is_left_out_and_costs_no_other(full, monkeypatch):
    """Half a source may lack what matters, and the rest must not wait for it."""
    monkeypatch.setattr("agent.bundle._builder.LONGEST", -1.0)
    bundle = full.bundle()
    assert bundle.why("unit-journal") == "redacting it takes longer than -1 s; lower its `lines`"
    assert set(bundle.files) == {"README", "MANIFEST.json"}


def test_readings_say_what_could_not_be_checked(full):
    """Unknown is never healthy, in a bundle neither."""
    services = collector(
        "services",
        Reading("unit_failed", 1.0, "boolean", {"unit": "shop.service"}, 1.0),
        CouldNotCheck("unit_failed", {"unit": "x.service"}, "no answer"),
    )
    bundle = full.bundle(collectors=[services])
    assert bundle.text("services").splitlines() == [
        'unit_failed{unit="shop.service"} 1 boolean',
        "could not check unit_failed {'unit': 'x.service'}: no answer",
    ]
    assert bundle.why("mounts") == "the collectors are switched off"


def test_what_the_ticket_may_say_of_the_first_look_is_in_the_manifest(full):
    """Redacted as the files are, without users, and nothing that needs more than `facts`."""
    labels = {"path": "/home/annika/uploads", "user": "annika", "pid": "4711", "program": "shop"}
    full.found = [
        DiagnosisFact(name="path_bytes", value=5.0, unit="bytes", labels=labels, whole=False),
        DiagnosisFact(name="said", value="a line", unit="text", consent="excerpt"),
    ]
    full.unseen = [Unseen(what="directories", reason="not_permitted", count=14, hint="sudo cat /root/secret")]
    bundle = full.bundle("facts")
    told = bundle.manifest["on_ticket"]
    [fact] = told["found"]
    assert fact["labels"].keys() == {"path", "program"}
    assert fact["labels"]["path"].startswith("/home/user-")
    assert fact["whole"] is False
    assert told["unseen"] == [{"what": "directories", "reason": "not_permitted", "count": 14}]
    assert "a comment on the ticket says too: 1" in bundle.files["README"].decode()


@pytest.mark.parametrize("how", ["not_allowed", "off", "rule_fails"])
def test_where_the_first_look_does_not_leave_the_ticket_says_nothing_of_it(full, how):
    """Neither at `none`, nor when IT switched it off, nor when a rule failed on it."""
    redactor = redactor_of_the_corpus()
    if how == "off":
        full.sources["diagnosis"] = msgspec.structs.replace(full.sources["diagnosis"], enabled=False)
    if how == "rule_fails":

        def fail(line):
            if "exit-code" in line:
                raise RuntimeError
            return ()

        redactor.rules["secret_key"] = fail
    bundle = full.bundle("none" if how == "not_allowed" else "facts", redactor=redactor)
    assert bundle.manifest["on_ticket"] is None
    assert b"exit-code" not in b"".join(bundle.files.values())


def test_a_rule_that_fails_costs_the_files_that_it_saw_and_no_others(full):
    """Nothing of them leaves, and the manifest names the rule."""
    for rule in list(redactor_of_the_corpus().rules):
        broken = redactor_of_the_corpus()

        def fail(line):
            if "Shop" in line:
                raise RuntimeError(line)
            return ()

        broken.rules[rule] = fail
        bundle = full.bundle(redactor=broken)
        assert bundle.why("unit-journal") == f"the rule {rule} failed: RuntimeError"
        assert "dpkg-log.txt" in bundle.files
        assert b"Shop" not in b"".join(bundle.files.values())


def test_no_planted_secret_leaves_by_any_source(full):
    """Each form in every source, the whole archive searched after unpacking, decoded forms too."""
    planted = list(forms())
    assert len(planted) >= 200

    def put(layout):
        return [
            line.encode()[: LONGEST_LINE + 1]
            for number, form in enumerate(planted)
            for line in SHAPES[layout][number % len(SHAPES[layout])].format(form.text).split("\n")
        ]

    free = [line for form in planted for line in form.text.split("\n")]
    full.journal = put("journal")
    full.log("dpkg.log", put("dpkg"))
    full.log("apt/history.log", put("apt_history"))
    full.packages = [f"{line} 1.0 amd64".encode() for line in free]
    full.case_lines = full.measured = full.diagnosis = free
    full.found = [
        DiagnosisFact(name="path_bytes", value=form.text, unit="text", labels={"path": form.text}) for form in planted
    ]
    readings = [Reading("x", 1.0, "count", {"text": line}, 1.0) for line in free]
    gaps = [CouldNotCheck("x", {}, line) for line in free]
    bundle = full.bundle(collectors=[collector("services", *readings, *gaps)])
    assert {"services", *LISTS, *LOGS} <= {name.removesuffix(".txt") for name in bundle.files}
    assert len(bundle.manifest["on_ticket"]["found"]) > 200  # a searched part of the manifest
    everything = b"\n".join(bundle.files.values()).decode()
    assert leaks(everything, [secret for form in planted for secret in form.secrets]) == []
