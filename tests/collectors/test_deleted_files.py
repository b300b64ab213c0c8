"""Room that deleted files take."""

from collectors import deleted_files
from collectors.contract import FakeHost
from privileged_facts import write_facts

AT = 1_790_000_000.0
MOUNTS = """\
27 1 254:0 / / rw - ext4 /dev/vda1 rw
28 27 8:1 / /srv rw - xfs /dev/sda1 rw
29 27 8:1 / /srv/b rw - xfs /dev/sda1 rw
"""


def test_it_is_told_for_the_host_and_for_each_file_system(tmp_path):
    """What is mounted in a container only counts for the host; a file system has the shortest of its places."""
    host = FakeHost(tmp_path).write("/proc/1/mountinfo", MOUNTS).write("/proc/self/mountinfo", MOUNTS)
    write_facts(host, AT, deleted={"8:1": 3000, "0:99": 500})
    items = deleted_files.PLUGIN.build(deleted_files.DeletedFilesOptions(), host).collect(AT)
    assert {item.labels["mountpoint"]: item.value for item in items} == {"": 3500, "/srv": 3000}
