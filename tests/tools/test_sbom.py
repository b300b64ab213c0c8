"""The bill of materials: all that is locked, with licences, and the same bytes each time."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
spec = importlib.util.spec_from_file_location("sbom", ROOT / "tools" / "sbom.py")
sbom = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sbom)


@pytest.mark.install
@pytest.mark.skipif(not importlib.util.find_spec("cyclonedx_py"), reason="needs cyclonedx-bom (make sbom installs it)")
def test_it_names_all_that_is_locked_and_is_the_same_each_time(tmp_path):
    """No more, no less: the tools that make it are not in it."""
    first, second = tmp_path / "first.json", tmp_path / "elsewhere" / "second.json"
    sbom.write(first)
    sbom.write(second)
    assert first.read_bytes() == second.read_bytes()
    bill = json.loads(first.read_text("utf-8"))
    lock = (ROOT / "requirements" / "run.txt").read_text("utf-8")
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+) (?!;)", lock, re.MULTILINE))
    listed = {re.sub(r"[-_.]+", "-", part["name"]).lower(): part for part in bill["components"]}
    assert locked.items() <= {name: part["version"] for name, part in listed.items()}.items()
    assert not {"pip", "cyclonedx-bom"} & set(listed)
    assert [name for name, part in listed.items() if not part["licenses"]] == []
    assert bill["metadata"]["component"]["name"] == "foretell"


def test_its_date_is_the_one_that_was_asked_for(monkeypatch):
    """As reproducible-builds.org has it."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert sbom.date_of_source() == "1700000000"
