"""Redaction: what of a log may leave, and what stands in place of the rest. Pure: lines in, lines out."""

from agent.redaction._common_names import COMMON_USERS
from agent.redaction._own_secrets import SHORTEST as SHORTEST_SECRET
from agent.redaction._pseudonyms import SHORTEST_KEY, Pseudonyms
from agent.redaction._redactor import LONGEST_LINE, LeftOut, Redactor, Report
from agent.redaction._templates import TemplateFile, Templates, parse_templates

__all__ = [
    "COMMON_USERS",
    "LONGEST_LINE",
    "SHORTEST_KEY",
    "SHORTEST_SECRET",
    "LeftOut",
    "Pseudonyms",
    "Redactor",
    "Report",
    "TemplateFile",
    "Templates",
    "parse_templates",
]
