"""A remedy in words: translated, with the host's and the subject's names in it, and quoted where an engineer pastes them."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from agent.wording.remedies import Remedy

Gettext = Callable[[str], str]


class RemedyWords:
    """What templates may say of a remedy."""

    def __init__(self, remedy: Remedy, gettext: Gettext, values: Mapping[str, Any]) -> None:
        """Given the remedy, the language's catalogue, and what is known of the problem (`host`, `what`)."""
        self.data = remedy
        self._gettext = gettext
        self._host: str = values["host"].name
        self._subject: str = values["what"]

    @property
    def action(self) -> str:
        """What we suggest, to follow "we suggest"."""
        return self._said(self.data.action)

    @property
    def suggestion(self) -> str:
        """What we suggest, in whole sentences."""
        return self._said(self.data.suggestion)

    @property
    def workaround(self) -> str:
        """What helps until then; empty when nothing does."""
        return self._said(self.data.workaround)

    @property
    def yourself(self) -> list[str]:
        """Steps for whoever is no engineer."""
        return [self._said(text) for text in self.data.yourself]

    @property
    def options(self) -> list[str]:
        """Ways to choose from."""
        return [self._said(text) for text in self.data.options]

    @property
    def prevention(self) -> list[str]:
        """How it does not happen again."""
        return [self._said(text) for text in self.data.prevention]

    @property
    def steps(self) -> list[str]:
        """What the engineer does. A command about a subject that is not known is left out, and what it is for stays."""
        return [self._step(self._said(step.say), step.run) for step in self.data.steps]

    def _said(self, text: str) -> str:
        return self._filled(self._gettext(text) if text else "", self._host, self._subject or self._host)

    def _step(self, say: str, run: str) -> str:
        if not run or ("{subject}" in run and not self._subject):
            return say if unicodedata.category(say[-1]) == "Po" else self._gettext("%(step)s.") % {"step": say}
        command = self._filled(run, shlex.quote(self._host), shlex.quote(self._subject))
        return self._gettext("%(step)s: %(command)s") % {"step": say, "command": command}

    @staticmethod
    def _filled(text: str, host: str, subject: str) -> str:
        # By parts, so that a subject called {host} stays what it is.
        return host.join(part.replace("{subject}", subject) for part in text.split("{host}"))
