"""First looks: what an engineer would ask first about a finding, asked by a script. One public file each, named like its id.

A first look changes nothing on the host, needs no rights beyond the agent's own, and says what it could not see. A file
ends in `FIRST_LOOK = (step, ...)`, functions that yield what they find. `first_look` takes one in a child of low priority.
"""

from agent.diagnosis._child import first_look
from agent.diagnosis._diagnosis import ConsentClass, Detail, Diagnosis, DiagnosisFact, Request, Unseen
from agent.diagnosis._runner import first_looks

__all__ = [
    "ConsentClass",
    "Detail",
    "Diagnosis",
    "DiagnosisFact",
    "Request",
    "Unseen",
    "first_look",
    "first_looks",
]
