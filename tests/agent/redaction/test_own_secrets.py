"""The agent's own secrets, however they are written down."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.redaction._own_secrets import own_secrets
from agent.redaction._spans import replaced
from redaction_corpus import decoded

SECRET = 'Zug-9 "quer"/Straße+7\'\\x'


def cleaned(text, *secrets):
    """Return the text without what was found in it."""
    found = [("own_secret", span._replace(instead="#")) for span in own_secrets(secrets or [SECRET])(text)]
    return replaced(text, found, Counter())


ENCODINGS = {
    "plain": lambda text: text,
    "json": lambda text: json.dumps(text)[1:-1],
    "json in unicode": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json with slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "json in json in json": lambda text: json.dumps(json.dumps(json.dumps(text))),
    "url": lambda text: urllib.parse.quote(text, safe=""),
    "url with slashes": urllib.parse.quote,
    "url in lower case": lambda text: urllib.parse.quote(text, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "form": urllib.parse.quote_plus,
    "url in url": lambda text: urllib.parse.quote(urllib.parse.quote(text)),
    "every byte in percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "html": html.escape,
    "html in numbers": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "python": repr,
    "bytes": lambda text: repr(text.encode()),
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "hex": lambda text: text.encode().hex(),
    "hex in upper case": lambda text: text.encode().hex().upper(),
    "hex with colons": lambda text: text.encode().hex(":"),
    "shell": lambda text: "'" + text.replace("'", "'\\''") + "'",
    "base64 in url": lambda text: urllib.parse.quote(base64.b64encode(text.encode()), safe=""),
    "base64 in json": lambda text: base64.b64encode(text.encode()).decode().replace("/", "\\/"),
    "base64 broken": lambda text: "\\n".join(
        base64.b64encode(text.encode()).decode()[at : at + 8] for at in range(0, 36, 8)
    ),
    "powershell": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_it_is_found_however_it_is_written(encoding):
    """And nothing of it is left over but the quotes around it."""
    left = cleaned(f"before {ENCODINGS[encoding](SECRET)} after")
    assert re.fullmatch(r"before [b'\"\\\[\]#]*#(?:[#'\"\\]|%3D)* after", left)


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:", "user:1"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode], ids=["mail's", "URL's"])
def test_it_is_found_wherever_it_stands_in_base64(before, encode):
    """The whole run is masked: its ends hold parts of the secret."""
    text = encode(f"{before}{SECRET} and more".encode()).decode()
    assert cleaned(f"x {text} y") == "x # y"


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40).filter(lambda text: len(set(text)) > 3),
    st.sampled_from(sorted(ENCODINGS)),
)
def test_any_secret_is_found_in_any_encoding(secret, encoding):
    """Whatever characters it is made of."""
    if encoding == "base64 broken":
        return  # a fixed length, tried above
    line = ENCODINGS[encoding](secret)
    left = cleaned(f"[{line}]", secret)
    assert all(secret not in text for text in decoded(left))
    assert left != f"[{line}]"


def test_each_line_of_a_key_is_a_secret():
    """Logs hold them one by one."""
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqh\nkiG9w0BAQEFAASCB\n-----END PRIVATE KEY-----\n"
    assert cleaned("a kiG9w0BAQEFAASCB b", key) == "a # b"


def test_full_width_letters_are_made_plain_in_the_secret_as_in_the_line():
    """The line has been by then."""
    assert cleaned("x pass1234 y", "\uff50\uff41\uff53\uff531234") == "x # y"


def test_a_secret_that_occurs_in_words_is_refused():
    """And not repeated."""
    with pytest.raises(ValueError, match="less than 4 characters") as caught:
        own_secrets(["long enough", "zqx"])
    assert "zqx" not in str(caught.value)


def test_without_secrets_nothing_is_found():
    """As before the agent has any."""
    assert list(own_secrets([])("anything")) == []
