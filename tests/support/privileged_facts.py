"""The file that foretell-privileged writes, as tests lay it out for collectors."""

import json
from typing import Any

FACTS = "/run/foretell-privileged/facts.json"


def write_facts(host: Any, at: float, **parts: Any) -> Any:
    """Write the facts of `at` with these parts found; a part given as a string is why it could not be read. Return the host."""
    told = {name: {"problem": part} if isinstance(part, str) else {"found": part} for name, part in parts.items()}
    return host.write(FACTS, json.dumps({"format": 1, "at": at, **told}))
