"""What is logged by a process of its own, and what it takes along for that."""

import subprocess
import sys


def ran(code):
    """Return what such a process says on its two outputs, in which `log` is a logger."""
    code = f"import sys\nfrom agent import logs\nlog = logs.get_logger()\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def test_one_line_an_event_on_standard_error():
    """Its time, its level, what happened, and then what it happened to."""
    out, errors = ran("logs.configure()\nlog.info('opened', ticket='L1', desk='local')")
    assert out == ""
    assert errors.startswith("timestamp=")
    assert errors.endswith(" level=info event=opened ticket=L1 desk=local\n")
    assert errors.count("\n") == 1


def test_what_is_below_the_level_is_not_written():
    """Also when the level is set after something was logged."""
    _, errors = ran(
        "logs.configure('debug')\nlog.debug('one')\nlogs.configure('error')\nlog.warning('two')\nlog.error('three')"
    )
    assert [word for word in ("one", "two", "three") if f"event={word}" in errors] == ["one", "three"]


def test_what_logs_nothing_imports_nothing_for_it():
    """Most children have nothing to say. What lives for long may have to say that no file can be opened: it has it at once."""
    assert ran("logs.configure()\nprint('structlog' in sys.modules)")[0] == "False\n"
    assert (
        ran("logs.configure(at_once=True)\nprint('structlog' in sys.modules, 'rich' in sys.modules)")[0]
        == "True False\n"
    )
