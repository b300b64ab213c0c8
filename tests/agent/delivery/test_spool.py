"""Files that wait to be attached: kept as they were put there, or not handed out."""

from __future__ import annotations

from hashlib import sha256

import pytest

from agent.delivery.spool import FileAltered, FileFacts, Spool
from agent.store import StoreUnavailable

CONTENT = bytes(range(256))
FACTS = FileFacts(name="bundle.tar.gz", media_type="application/gzip", size=256, sha256=sha256(CONTENT).hexdigest())


def test_a_file_comes_back_as_it_was_put_there(tmp_path):
    """To another process as well."""
    Spool(tmp_path).put("a-1", CONTENT)
    assert Spool(tmp_path).get("a-1", FACTS) == CONTENT


def test_a_file_that_is_not_what_it_was_is_not_handed_out(tmp_path):
    """Changed, cut short, or gone; the message names it as the desk would."""
    spool = Spool(tmp_path)
    with pytest.raises(FileAltered, match=r"bundle\.tar\.gz cannot be read"):
        spool.get("a-1", FACTS)
    spool.put("a-1", CONTENT[:-1])
    with pytest.raises(FileAltered, match="does not match its hash"):
        spool.get("a-1", FACTS)


def test_only_what_is_wanted_is_kept(tmp_path):
    """And without a folder there is nothing to do."""
    spool = Spool(tmp_path)
    spool.keep_only([])
    spool.put("a-1", CONTENT)
    spool.put("b-1", CONTENT)
    spool.keep_only(["b-1"])
    assert [file.name for file in (tmp_path / "spool").iterdir()] == ["b-1"]


def test_a_disk_that_takes_no_files_is_told(tmp_path):
    """Like any other trouble with the records."""
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="files to attach cannot be kept"):
        Spool(tmp_path).put("a-1", CONTENT)
