"""Write the recording that `foretell demo` plays: a week of a host whose disk fills until somebody makes room.

Made, not measured: a day's rhythm, noise with a fixed seed, and steady growth. Run it again and the file is the same.
"""

import csv
import gzip
import io
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

TARGET = Path(__file__).parent.parent / "agent" / "recordings" / "filling-disk.csv.gz"
START = datetime(2026, 3, 2, tzinfo=UTC)
STEP = timedelta(minutes=10)
LENGTH = timedelta(days=7)
ROOM_MADE = START + timedelta(days=5, minutes=55)  # somebody acts in the window that the ticket proposed

GB = 1e9
DISK_SIZE, DISK_USED, GROWTH_A_DAY, FREED = 100 * GB, 62 * GB, 4.6 * GB, 40 * GB
MEMORY = 16 * GB


def rows() -> Iterator[tuple[str, str, str, float]]:
    """Yield timestamp, name, labels and value, in the order of time."""
    noise = random.Random(20260302)  # noqa: S311 - the same noise every time, nothing secret
    moment = START
    while moment < START + LENGTH:
        days = (moment - START) / timedelta(days=1)
        rhythm = math.sin((days - 0.25) * math.tau)  # busiest in the afternoon
        used = DISK_USED + GROWTH_A_DAY * days + 0.4 * GB * rhythm + noise.gauss(0, 0.05 * GB)
        if moment >= ROOM_MADE:
            used -= FREED
        stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        disk = "device=/dev/vdb1;fstype=ext4;mountpoint=/srv"
        yield stamp, "filesystem_avail_bytes", disk, round(DISK_SIZE - used)
        yield stamp, "filesystem_size_bytes", disk, round(DISK_SIZE)
        yield stamp, "cpu_utilization_ratio", "", round(0.3 + 0.15 * rhythm + abs(noise.gauss(0, 0.03)), 3)
        yield stamp, "memory_available_bytes", "", round(MEMORY * (0.5 - 0.1 * rhythm + noise.gauss(0, 0.01)))
        yield stamp, "memory_total_bytes", "", round(MEMORY)
        moment += STEP


def main() -> None:
    """Write the file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["timestamp", "name", "labels", "value"])
    writer.writerows(rows())
    TARGET.parent.mkdir(exist_ok=True)
    with TARGET.open("wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    main()
