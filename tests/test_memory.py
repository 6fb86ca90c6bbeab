"""How much memory is free, told by folders that look like a machine's."""

import re

import pytest

from tastemap import memory
from tastemap.errors import InputError
from tastemap.memory import free_bytes, require_memory

MB = 2**20
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
V2 = ("memory.max", "memory.current", "inactive_file")


@pytest.fixture
def machine(tmp_path):
    """A machine with 1000 MB free, whose control groups are `write_group`'s."""
    (tmp_path / "proc/self").mkdir(parents=True)
    available = f"MemTotal: 4096000 kB\nMemFree: 5 kB\nMemAvailable: {1000 * 1024} kB\n"
    (tmp_path / "proc/meminfo").write_text(available)
    return tmp_path


def write_group(machine, path, names, limit, used, cached=0):
    folder = machine / "sys/fs/cgroup" / path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 7\nactive_file {3 * MB}\n{names[2]} {cached}\n")


def join(machine, *lines):
    (machine / "proc/self/cgroup").write_text("".join(f"{line}\n" for line in lines))


def test_without_control_groups_it_is_what_the_machine_has(machine):
    assert free_bytes(machine) == 1000 * MB


@pytest.mark.parametrize(("names", "top"), [(V2, "."), (V1, "memory")])
def test_a_container_leaves_its_limit_less_what_is_used_and_cannot_be_freed(machine, names, top):
    write_group(machine, top, names, 500 * MB, 320 * MB, cached=20 * MB)
    assert free_bytes(machine) == 200 * MB


@pytest.mark.parametrize(
    ("names", "top", "line"),
    [(V2, ".", "0::/jobs/mine"), (V1, "memory", "4:cpu,memory:/jobs/mine")],
)
@pytest.mark.parametrize(("mine", "around", "left"), [(900, 950, 700), (900, 500, 300)])
def test_the_tightest_of_our_group_and_those_around_it_counts(
    machine, names, top, line, mine, around, left
):
    join(machine, "9:name=systemd:/", line)
    write_group(machine, f"{top}/jobs/mine", names, mine * MB, 200 * MB)
    write_group(machine, f"{top}/jobs", names, around * MB, 200 * MB)
    assert free_bytes(machine) == left * MB


def test_what_is_used_is_read_anew_each_time(machine):
    write_group(machine, ".", V2, 500 * MB, 100 * MB)
    assert free_bytes(machine) == 400 * MB
    write_group(machine, ".", V2, 500 * MB, 300 * MB)
    assert free_bytes(machine) == 200 * MB


def test_a_group_of_others_does_not_count(machine):
    join(machine, "0::/mine")
    write_group(machine, "mine", V2, 900 * MB, 100 * MB)
    write_group(machine, "other", V2, 300 * MB, 100 * MB)
    assert free_bytes(machine) == 800 * MB


def test_a_path_from_outside_the_container_leads_to_the_container_itself(machine):
    join(machine, "4:memory:/docker/0123abc", "0::/../../elsewhere")
    write_group(machine, "memory", V1, 500 * MB, 100 * MB)
    assert free_bytes(machine) == 400 * MB


@pytest.mark.parametrize(("names", "limit"), [(V2, "max"), (V1, 9223372036854771712)])
def test_a_group_without_a_limit_leaves_what_the_machine_has(machine, names, limit):
    write_group(machine, "." if names is V2 else "memory", names, limit, 700 * MB)
    assert free_bytes(machine) == 1000 * MB


def test_a_limit_above_the_machine_leaves_what_the_machine_has(machine):
    write_group(machine, ".", V2, 10**12, 700 * MB)
    assert free_bytes(machine) == 1000 * MB


def test_a_limit_that_is_overdrawn_leaves_nothing(machine):
    write_group(machine, ".", V2, 100 * MB, 130 * MB)
    assert free_bytes(machine) == 0


def test_a_machine_that_tells_nothing_still_gives_a_number(tmp_path):
    assert free_bytes(tmp_path) > 0


def test_a_job_is_refused_only_if_it_needs_more_than_is_free(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 3 * 2**30)
    require_memory(3 * 2**30, "a matrix", "use a smaller one")
    said = "a matrix needs 3.0 GB of memory"
    with pytest.raises(InputError, match=re.escape(said)) as refused:
        require_memory(3 * 2**30 + 1, "a matrix", "use a smaller one")
    assert "the 3.0 GB that are free" in str(refused.value)
    assert "use a smaller one" in str(refused.value)
