"""Diagnoses: what an engineer would ask first about a finding, asked by a script. One public file each, named like its id.

A diagnosis changes nothing on the host, needs no rights beyond the agent's own, and says what it could not see. A file
ends in `STEPS = (step, ...)`, functions that yield what they find. `diagnose` makes one in a child of low priority.
"""

from agent.diagnosis._checks import command_of
from agent.diagnosis._child import diagnose, memory_file
from agent.diagnosis._diagnosis import ConsentClass, Detail, Diagnosis, DiagnosisFact, Request, Unseen
from agent.diagnosis._runner import diagnoses

__all__ = [
    "ConsentClass",
    "Detail",
    "Diagnosis",
    "DiagnosisFact",
    "Request",
    "Unseen",
    "command_of",
    "diagnose",
    "diagnoses",
    "memory_file",
]
