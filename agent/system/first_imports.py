"""What a process of ours that lives for long, or is begun often, imports before all else: what all of it shares, lightly.

hashlib prefers OpenSSL's digests to Python's own: 3.6 MB, where nobody else has OpenSSL loaded, for a few short texts a cycle.
Python as some distributions build it has no others (FIPS): then they are imported later, as ever. msgspec prefers
typing_extensions to typing: 0.7 MB for the same. To do without both saves a look at a desk 6 % of its processor time, too.
"""

from __future__ import annotations

from contextlib import suppress

from agent.system.light_imports import leaving_out

with suppress(ImportError), leaving_out({}, absent=("_hashlib",)):
    import hashlib
    import hmac
with leaving_out({}, absent=("typing_extensions",)):
    import msgspec

__all__ = ["hashlib", "hmac", "msgspec"]
