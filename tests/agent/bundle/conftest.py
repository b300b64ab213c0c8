"""A host under a folder, whose journal and packages a test makes up, and a bundle built of it in this process."""

import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.bundle import Request, load_sources
from agent.bundle._builder import build
from agent.bundle._masking import LAYOUTS
from agent.bundle._reading import DPKG_QUERY, JOURNALCTL, Reader
from agent.collecting import HostAccess
from agent.diagnosis import Detail, Diagnosis, DiagnosisFact, Unseen
from agent.following.model import Case
from agent.line_templates import load_templates
from agent.redaction import Pseudonyms, Redactor
from collectors import Completed
from redaction_corpus import KEY, OWN_SECRET

AT = 1_795_600_800.0


@dataclass
class Bundled:
    """A bundle, and what is in it."""

    built: object
    content: bytes
    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self):
        with tarfile.open(fileobj=io.BytesIO(self.content)) as archive:
            self.entries = archive.getmembers()
            self.files = {one.name: archive.extractfile(one).read() for one in self.entries}

    @property
    def manifest(self):
        """MANIFEST.json."""
        return json.loads(self.files["MANIFEST.json"])

    def text(self, source):
        """The file of one source."""
        return self.files[f"{source}.txt"].decode()

    def why(self, source):
        """Why a source is not in it."""
        [found] = [one["why"] for one in self.manifest["left_out"] if one["source"] == source]
        return found


class Host:
    """What there is to read. Every text is a list of lines as bytes."""

    def __init__(self, folder: Path) -> None:
        self.root, self.target = folder / "root", folder / "bundles" / "bundle.tar.gz"
        self.target.parent.mkdir(0o700)
        (self.root / "var/log/apt").mkdir(parents=True)
        (self.root / "usr/bin").mkdir(parents=True)
        (self.root / DPKG_QUERY.lstrip("/")).touch()
        self.journal: list[bytes] = []
        self.packages: list[bytes] = [b"nginx 1.18.0-6 amd64"]
        self.diagnosis: list[str] = []
        self.found = [DiagnosisFact(name="unit_result", value="exit-code", unit="text")]
        self.unseen: list[Unseen] = []
        self.case_lines = ["opened: disk_space"]
        self.measured = ["2026-11-25T10:00Z filesystem_avail_bytes 5"]
        self.says: dict[str, Completed] = {}
        self.ran: list[tuple[str, ...]] = []
        self.sources = load_sources()
        self.case = Case(
            key="a1" * 32,
            rule="service_failed",
            subject={"unit": "shop.service"},
            state="open",
            first_seen=AT - 60,
            last_seen=AT,
            changed_at=AT,
            opened_at=AT,
        )

    def log(self, name: str, lines: list[bytes]) -> None:
        """Write a file below /var/log."""
        (self.root / "var/log" / name).write_bytes(b"".join(line + b"\n" for line in lines))

    def run(self, argv, *, timeout, limit):  # noqa: ARG002 - a runner's signature
        """Answer as the host's programs would."""
        self.ran.append(tuple(argv))
        if argv[0] in self.says:
            return self.says[argv[0]]
        lines = {JOURNALCTL: self.journal, DPKG_QUERY: self.packages}[argv[0]]
        output = b"".join(line + b"\n" for line in lines)
        return Completed(
            status=0,
            output=output[:limit].decode("utf-8", "surrogateescape"),
            errors="",
            truncated=len(output) > limit,
        )

    def look(self, request):
        """Find what the test says."""
        text = "".join(f"{line}\n" for line in self.diagnosis)
        details = (
            Detail(name="seen.txt", text=text),
            Detail(name="raw-log.txt", text="never in a bundle\n", consent="logs"),
        )
        return Diagnosis(id=request.id, at=AT, facts=tuple(self.found), details=details, unseen=tuple(self.unseen))

    def bundle(self, level="logs", *, redactor=None, collectors=(), largest=5_000_000):
        """Build a bundle."""
        request = Request(
            case=self.case,
            level=level,
            at=AT + 60,
            since=AT - 7200,
            diagnosis="service_failed",
            config=None,
            state_dir=str(self.target.parent),
            host="h1",
            names=("web01.corp.example.com",),
            case_lines=self.case_lines,
            measured=self.measured,
            target=str(self.target),
            largest=largest,
        )
        templates = load_templates([LAYOUTS])
        pseudonyms = Pseudonyms(KEY, hosts=["web01.corp.example.com"], users=["annika"])
        reader = Reader(request, collectors, HostAccess(self.root), self.run, self.look)
        built = build(
            request, self.sources, reader, redactor or Redactor(templates, pseudonyms, [OWN_SECRET]), lambda _: None
        )
        return Bundled(built, self.target.read_bytes())


@pytest.fixture
def host(tmp_path):
    """A host on which nothing was written yet."""
    return Host(tmp_path)
