"""What people write on tickets, understood."""

from __future__ import annotations

import pytest

from ticketing_clients import Act
from ticketing_clients._acts import plain_of_html, told_by
from ticketing_clients.contract import NOON

REPLY = Act(id="17", kind="reply", by="ann", at=NOON, text="as shown")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("foretell: confirm", [("confirm", None, None)]),
        ("  Foretell:Confirm. ", [("confirm", None, None)]),
        ("All well.\r\nforetell: accept 2\r\nthanks", [("accept_window", 2, None)]),
        ("foretell: defer 2026-12-24", [("defer", None, "2026-12-24T00:00:00+00:00")]),
        ("foretell: defer 2026-12-24T10:00+08:00", [("defer", None, "2026-12-24T02:00:00+00:00")]),
        ("foretell: wontfix", [("wont_fix", None, None)]),
        ("foretell: won't fix", [("wont_fix", None, None)]),
        ("foretell: accept 1\nforetell: confirm", [("accept_window", 1, None), ("confirm", None, None)]),
        ("foretell: rate 4", [("rate", 4, None)]),
        ("Thanks!\nforetell: rate 5.", [("rate", 5, None)]),
        ("foretell: rate 6", []),
        ("foretell: rate", []),
        ("foretell：accept 2", [("accept_window", 2, None)]),
        ("ｆｏｒｅｔｅｌｌ： ａｃｃｅｐｔ　２。", [("accept_window", 2, None)]),
        ("foretell：accept２", [("accept_window", 2, None)]),
        ("同意，谢谢！\nforetell：confirm。", [("confirm", None, None)]),
        ("foretell：defer 2026年12月1日", [("defer", None, "2026-12-01T00:00:00+00:00")]),
        ("foretell: defer ２０２６ 年 12 月 1 日。", [("defer", None, "2026-12-01T00:00:00+00:00")]),
        ("foretell: defer 2026/12/1", [("defer", None, "2026-12-01T00:00:00+00:00")]),
        ("foretell: defer 2026年13月1日", []),
        ("foretell：rate 5 。", [("rate", 5, None)]),
        ("foretell: accept 一", []),
        ("foretell: confirmed", []),
        ("请不要写 foretell：confirm", []),
        ("好\n------------------ 原始邮件 ------------------\nforetell: confirm", []),
        ("好\n-----原始郵件-----\nforetell: confirm", []),
        ("好\nDesk <desk@rt.example> 于2026年12月1日周二 12:00写道：\nforetell: confirm", []),
        ("好\nDesk <desk@rt.example> 於 2026年12月1日 週二 下午12:00寫道：\nforetell: confirm", []),
        ("好\n发件人： Desk\nforetell: confirm", []),
        ("好\n寄件者: Desk\nforetell: confirm", []),
        ("foretell: accept 0", []),
        ("foretell: accept", []),
        ("foretell: defer next week", []),
        ("foretell: reboot", []),
        ("please write foretell: confirm when done", []),
        ("no\n> foretell: confirm", []),
        ("no\n-----Original Message-----\nforetell: confirm", []),
        ("no\nOn Tue, 1 Dec 2026 at 12:00, Desk wrote:\nforetell: confirm", []),
        ("", []),
    ],
)
def test_lines_say_what_they_mean_and_nothing_else(text, told):
    """One line each; a quotation, a part of a sentence, or a word that is not known says nothing."""
    acts = told_by(REPLY, text)
    assert [(act.kind, act.option, act.until and act.until.isoformat()) for act in acts] == told
    assert [act.id for act in acts] == [f"17.{number}" for number in range(1, len(acts) + 1)]
    assert {(act.by, act.at, act.text) for act in acts} <= {("ann", NOON, "as shown")}


def test_cause_and_what_was_done_are_told_in_words():
    """The rest of their line is what the report says; a line without words says nothing."""
    acts = told_by(
        REPLY,
        "Solved.\nforetell: cause logs were not rotated\nForetell: done: rotation set up\nforetell: cause\n"
        "foretell：cause：日志未轮转。",
    )
    assert [(act.kind, act.text) for act in acts] == [
        ("cause", "logs were not rotated"),
        ("done", "rotation set up"),
        ("cause", "日志未轮转。"),
    ]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<div>磁盘&nbsp;&lt;满&gt;</div>", "磁盘 <满>"),
        ("yes<blockquote>no<blockquote>no</blockquote>no</blockquote>yes", "yes\nyes"),
        ("<style>p {}</style><script>x()</script>shown", "shown"),
        ("<pre>one\ntwo</pre>", "one\ntwo"),
        ("</blockquote>still <b>shown", "still shown"),
    ],
)
def test_html_is_read_line_by_line_without_its_quotations(html, text):
    """Markup becomes lines; what is quoted, styled or scripted is left out; broken markup loses nothing."""
    assert plain_of_html(html) == text
