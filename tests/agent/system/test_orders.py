"""Orders come by signals, at any moment and several at once."""

from __future__ import annotations

import subprocess
import sys

# Gets a signal at each call that is made while it waits for one, and again while it takes that in.
STORM = """
import signal, sys
from agent.system.orders import Orders

orders, left = Orders(), [50]

def strike(frame, event, what):
    if left[0] and frame.f_code.co_filename != "<string>":
        left[0] -= 1
        signal.raise_signal(signal.SIGTERM)

sys.setprofile(strike)
for _ in range(10):
    orders.wait(0.1)
sys.setprofile(None)
print(orders.stop, left[0])
"""


def test_no_order_hangs_in_the_midst_of_another():
    """A lock that a handler took would be waited for by the next handler, in the same thread, for ever."""
    done = subprocess.run([sys.executable, "-c", STORM], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "True 0\n"
