"""What a command shows that takes its time: on a terminal only, on standard error, gone when the work is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

#: hears the share that is done, 0 to 1
Tell = Callable[[float], None]


@contextmanager
def progress(doing: str) -> Iterator[Tell]:
    """Show how far `doing` has come, for as long as the block runs."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(doing, total=1.0)
        yield lambda share: bar.update(task, completed=share)


@contextmanager
def working(doing: str) -> Iterator[None]:
    """Show that `doing` goes on, for as long as the block runs, where nobody can say how far it has come."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(Text(doing)):
        yield
