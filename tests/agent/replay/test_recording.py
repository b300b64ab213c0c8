"""Recordings: every form that is promised is read, and what is wrong is named by its line."""

import gzip
import io
import math

import pytest

from agent.replay.recording import RecordingError, read

NOON = 1_772_712_000.0  # 2026-03-05 12:00 UTC
HEADER = "timestamp,name,labels,value\n"


def collections(text, units=None):
    """Return what `text` (or bytes) records."""
    raw = text if isinstance(text, bytes) else text.encode()
    return list(read(io.BufferedReader(io.BytesIO(raw)), units or {}))


def readings(text, units=None):
    """Return all its readings."""
    return [reading for collection in collections(text, units) for reading in collection.readings]


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-03-05T12:00:00Z",
        "2026-03-05T12:00:00+00:00",
        "2026-03-05T13:00+01:00",
        "2026-03-06T01:30:00+13:30",
        "2026-03-05 12:00",
        "1772712000",
    ],
)
def test_a_time_is_iso_or_unix_seconds_and_utc_where_nothing_else_is_said(stamp, monkeypatch):
    """Wherever the file is read."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    [reading] = readings(f"{HEADER}{stamp},cpu_utilization_ratio,,0.5\n")
    assert reading.at == NOON


def test_a_date_alone_is_its_midnight():
    """UTC's, as everywhere."""
    [reading] = readings(f"{HEADER}2026-03-05,cpu_utilization_ratio,,0.5\n")
    assert reading.at == NOON - 12 * 3600


def test_a_row_is_a_reading_with_labels_and_the_unit_that_its_name_has():
    """A name nobody declared is counted in pieces."""
    text = f"{HEADER}{NOON},filesystem_avail_bytes,device=/dev/sda1;mountpoint=/srv/a=b,12e9\n{NOON},bees,,3\n"
    disk, bees = readings(text, {"filesystem_avail_bytes": "bytes"})
    assert disk.labels == {"device": "/dev/sda1", "mountpoint": "/srv/a=b"}
    assert (disk.value, disk.unit) == (12e9, "bytes")
    assert (bees.labels, bees.unit) == ({}, "count")


def test_rows_of_one_time_are_one_collection():
    """As the daemon would have read them."""
    text = HEADER + "".join(f"{at},{name},,1\n" for at in (1, 2) for name in ("a", "b"))
    assert [[one.name for one in collection.readings] for collection in collections(text)] == [["a", "b"], ["a", "b"]]


def test_a_gzipped_file_and_a_spreadsheets_file_are_read_alike():
    """Whether it is packed is seen from its bytes, not from its name."""
    plain = f"{HEADER}1,a,k=ä;l=,1\n"
    assert readings(gzip.compress(plain.encode())) == readings(plain)
    assert readings("\ufeff" + plain.replace("\n", "\r\n")) == readings(plain)


def test_what_stands_in_quotes_is_one_text():
    """As spreadsheets write it: with commas, line ends and quotes in it, or around everything."""
    text = '1,a,"k=x, y",1\n1,b,"k=two\nlines",2\n1,c,"k=""so"" they say",3\n"1","d","k=v","4"\n\n1,e,,5\n'
    found = [(one.name, one.labels.get("k"), one.value) for one in readings(HEADER + text)]
    assert found == [
        ("a", "x, y", 1.0),
        ("b", "two\\nlines", 2.0),
        ("c", '"so" they say', 3.0),
        ("d", "v", 4.0),
        ("e", None, 5.0),
    ]


def test_a_value_may_be_no_number_by_the_sources_own_word():
    """NaN is what some sources say."""
    [reading] = readings(f"{HEADER}1,a,,NaN\n")
    assert math.isnan(reading.value)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("1,a,,x", "could not convert"),
        ("yesterday,a,,1", "yesterday"),
        ("2026-13-05T12:00,a,,1", "month must be in"),
        ("2026-03-05T25:00,a,,1", "hour must be in"),
        ("nan,a,,1", "nan is no time"),
        ("1,a,,", "only the labels may be empty"),
        ("1,a,k=v", "only the labels may be empty"),
        (",a,,1", "only the labels may be empty"),
        ("1,,,1", "only the labels may be empty"),
        ("1,a,,1,2", "only the labels may be empty"),
        ("1,a,kv,1", "'kv' is no label"),
        ("0,a,,1", "older than the row before"),
    ],
)
def test_a_bad_row_is_named_by_its_line(row, why):
    """Nothing is guessed, nothing is left out silently."""
    with pytest.raises(RecordingError, match=rf"line 3: .*{why}"):
        readings(f"{HEADER}1,a,,1\n{row}\n1,a,,1\n")


@pytest.mark.parametrize("text", ["", "time,value\n1,2\n", "1,a,,1\n"])
def test_another_header_is_another_file(text):
    """An empty file is none either."""
    with pytest.raises(RecordingError, match="line 1: the header is not timestamp,name,labels,value"):
        readings(text)


@pytest.mark.parametrize(
    "raw",
    [
        gzip.compress((HEADER + "1,a,,1\n" * 2000).encode())[:60],
        b"\x1f\x8b but no gzip",
        HEADER.encode() + b"1,\xff,,1\n",
    ],
    ids=["cut off", "not gzip", "not UTF-8"],
)
def test_a_broken_file_is_one_sentence(raw):
    """Whatever the libraries below call it."""
    with pytest.raises(RecordingError, match="the recording cannot be used, line "):
        readings(raw)
