"""Wording: every sentence a customer reads, as templates, and what turns facts into them.

Templates say what stands where in a tiny line format (`_lines`), rules and remedies bring their sentences (`rules/`,
`remedies/`), `say.j2` puts dates and amounts into words. Text is marked for gettext, so that a language is a catalogue.
Imported by the courier and by commands, never by the resident daemon.
"""

from agent.wording._lines import parse, unmark
from agent.wording._words import Words, find_words, write

__all__ = ["Words", "find_words", "parse", "unmark", "write"]
