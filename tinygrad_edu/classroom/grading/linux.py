"""What Linux offers against code that nobody has read: fewer rights, fewer files, fewer system calls.

Read this last. The functions of the first half run in the child, before the student's code is loaded; what they do
cannot be undone by that code. `sandbox.py` says in which order. None of them complains: afterwards `inside.py` tries
out what is still possible, and the report says it. The second half runs in the parent. It imports nothing of ours.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from errno import ENOSYS, EPERM

libc = ctypes.CDLL(None)
libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
libc.syscall.restype = ctypes.c_long

# --- prctl(2) and capabilities(7)
PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_SECCOMP = 1, 3, 4, 8, 22
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, SIGKILL = 36, 38, 9
CAPABILITY_HEADER, MAY_READ = struct.pack("Ii", 0x20080522, 0), 1 << 2      # CAP_DAC_READ_SEARCH
FOR_OTHER_USERS = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 7                         # CHOWN, KILL, SETGID, SETUID


def prctl(option: int, value: int, address: int = 0) -> None:
    """Set one property of this process, if the kernel knows it."""
    libc.prctl(option, value, address, 0, 0)


def lose_rights(settings: dict) -> None:
    """Stop being root: become a user that owns nothing, with no capability.

    Python may lie where only root can read it. Then the right to read is kept where Landlock decides what is read,
    and else this process stays root, without capabilities.
    """
    user, kept = settings["user"], 0
    try:
        if user and os.getuid() == 0:
            needed = (os.__file__, sys.prefix, settings["folder"], *settings["readable"])
            readable = all(readable_by(user, file) for file in needed)
            kept = 0 if readable or not settings["landlocked"] else MAY_READ & permitted_capabilities()
            if readable or kept:
                prctl(PR_SET_KEEPCAPS, 1)
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
    finally:
        libc.capset(CAPABILITY_HEADER, struct.pack("6I", kept, kept, 0, 0, 0, 0))


def readable_by(user: int, file: str) -> bool:
    """Whether that user may read this file."""
    os.setresuid(-1, user, 0)
    try:
        return os.access(file, os.R_OK, effective_ids=True)
    finally:
        os.setresuid(-1, 0, 0)


def permitted_capabilities() -> int:
    """The first 32 capabilities that this process may use, as bits."""
    sets = ctypes.create_string_buffer(24)
    libc.capget(CAPABILITY_HEADER, sets)
    return int(struct.unpack("6I", sets.raw)[1])


def die_with_parent(settings: dict) -> None:
    """End this process when the one that started it ends, however it ends.

    Linux forgets it where the user changes, so this comes after `lose_rights`.
    """
    prctl(PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != settings["parent"]:
        os._exit(1)


# --- landlock(7): which files may be read, and which written.  The numbers of its calls are the same everywhere.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
RIGHTS_OF_VERSION = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}     # how many there are; no more since then
READ_FILE, READ_FOLDER = 1 << 2, 1 << 3
# to write, read, list, remove, and make folders and files; to cut off
USE = 1 << 1 | READ_FILE | READ_FOLDER | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 14
SYSTEM_FILES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache",
                "/etc/localtime", "/dev/null", "/dev/zero", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo",
                "/sys/devices/system/cpu")


def lock_files(settings: dict) -> None:
    """Let this process read Python, libraries and the submission, and write in its own folder; nothing else."""
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return
    rights = (1 << RIGHTS_OF_VERSION.get(version, 16)) - 1
    handled = [rights] + [3] * (version >= 4) + [3] * (version >= 6)     # files; network; signals and sockets
    attributes = struct.pack(f"{len(handled)}Q", *handled)
    rules = libc.syscall(CREATE_RULESET, attributes, len(attributes), 0)
    allow(rules, settings["folder"], USE & rights)
    allow(rules, "/dev/null", 1 << 1)
    for folder in settings["readable"]:
        allow(rules, folder, READ_FILE | READ_FOLDER)
    libraries = [folder for folder in sys.path if folder.endswith("-packages")]       # they may lie in another place
    for folder in {*SYSTEM_FILES, sys.prefix, sys.base_prefix, *libraries}:
        for path, right in around(os.path.realpath(folder), settings["hidden"]):
            allow(rules, path, right)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    settings["landlocked"] = libc.syscall(RESTRICT_SELF, rules, 0) == 0
    os.close(rules)


def around(folder: str, hidden: str) -> Iterator[tuple[str, int]]:
    """What to allow so that all of a folder may be read but what lies in `hidden`; both are paths without links."""
    if hidden.startswith(folder + "/"):
        yield folder, READ_FOLDER
        for path in (f"{folder}/{name}" for name in names_in(folder)):
            target = os.path.realpath(path)
            if target == path or not hidden.startswith(target + "/"):       # else a link to where we were or will be
                yield from around(target, hidden)
    elif not f"{folder}/".startswith(hidden + "/"):
        yield folder, READ_FILE | READ_FOLDER if os.path.isdir(folder) else READ_FILE


def names_in(folder: str) -> list[str]:
    """What lies in a folder, or nothing where it may not be looked into."""
    with suppress(OSError):
        return os.listdir(folder)
    return []


def allow(rules: int, path: str, right: int) -> None:
    """Add one rule: this right, for a file or for all that lies beneath a folder."""
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    libc.syscall(ADD_RULE, rules, 1, struct.pack("=Qi", right, file), 0)
    os.close(file)


# --- seccomp(2): which system calls fail.  Each has its number on x86-64, and on aarch64 (0: it has none there).
REFUSED = {
    "new processes": "fork 57 0, vfork 58 0, execve 59 221, execveat 322 281, unshare 272 97, setns 308 268",
    "leaving the group": "setsid 112 157, setpgid 109 154",
    "others' processes": "tkill 200 130, ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, "
        "pidfd_open 434 434, pidfd_getfd 438 438, pidfd_send_signal 424 424, process_madvise 440 440, kcmp 312 272, "
        "migrate_pages 256 238, move_pages 279 239, setpriority 141 140, sched_setscheduler 144 119, "
        "sched_setparam 142 118, sched_setattr 314 274, sched_setaffinity 203 122, ioprio_set 251 30",
    "network": "socket 41 198, io_uring_setup 425 425",
    "what outlives the process": "shmget 29 194, msgget 68 186, semget 64 190, mq_open 240 180, add_key 248 217, "
        "request_key 249 218, keyctl 250 219",
    "the kernel": "bpf 321 280, userfaultfd 323 282, perf_event_open 298 241, mount 165 40, umount2 166 39, "
        "chroot 161 51, pivot_root 155 41, open_by_handle_at 304 265",
    "files beside Landlock": "chmod 90 0, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, chown 92 0, fchown 93 55, "
        "lchown 94 0, fchownat 260 54, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7, removexattr 197 14, "
        "lremovexattr 198 15, fremovexattr 199 16, inotify_add_watch 254 27, fanotify_mark 301 263, "
        "utime 132 0, utimes 235 0, futimesat 261 0, utimensat 280 88",
}
KILL, TGKILL, QUEUE, THREAD_QUEUE = (62, 129), (234, 131), (129, 138), (297, 240)
PRLIMIT, CLONE, CLONE3, FCNTL, IOCTL, SOCKETPAIR = (302, 261), (56, 220), (435, 435), (72, 25), (16, 29), (53, 199)
PRCTL, FIRST_NEW = (157, 167), 463      # what is newer than this list is not there; some of it sets attributes of files
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
LOAD, IF_EQUAL, IF_AT_LEAST, IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, NOT_THERE, END = 0x7FFF0000, 0x00050000 | EPERM, 0x00050000 | ENOSYS, 0x80000000
NUMBER, MACHINE, CLONE_THREAD = 0, 4, 0x10000
SET_OWNER, SET_OWNER_OF_SOCKET = [8, 15], [0x8901, 0x8902]      # whoever owns a file may be sent a signal by it
STREAMS = [1, 0x801, 0x80001, 0x80801]                          # other pairs of sockets can write to strangers

Line = tuple[int, int, int, int]        # operation, lines to jump over if so and if not, number


def filter_calls(settings: dict) -> None:
    """Refuse what an engine never needs: processes, sockets, signals to others, owners and rights of files."""
    if os.uname().machine in MACHINES and sys.maxsize > 2**32:
        program = b"".join(struct.pack("HBBI", *line) for line in filter_program(*MACHINES[os.uname().machine]))
        lines = ctypes.create_string_buffer(program)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        described = ctypes.create_string_buffer(struct.pack("HP", len(program) // 8, ctypes.addressof(lines)))
        prctl(PR_SET_SECCOMP, 2, ctypes.addressof(described))


def filter_program(column: int, machine: int) -> Iterator[Line]:
    """The lines that the kernel runs before each system call."""
    yield from [(LOAD, 0, 0, MACHINE), (IF_EQUAL, 1, 0, machine), (RETURN, 0, 0, END), (LOAD, 0, 0, NUMBER)]
    if column == 0:         # x86-64 has each call a second time, with 32-bit pointers
        yield from [(IF_AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, REFUSE)]
    yield from [(IF_AT_LEAST, 0, 1, FIRST_NEW), (RETURN, 0, 0, NOT_THERE)]
    for call in ", ".join(REFUSED.values()).split(", "):
        if number := int(call.split()[1 + column]):
            yield from [(IF_EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
    yield from [(IF_EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, NOT_THERE)]      # then libraries use clone
    for signals in (KILL, TGKILL, QUEUE, THREAD_QUEUE):
        yield from decide(signals[column], 0, IF_EQUAL, [os.getpid()], ALLOW, REFUSE)
    yield from decide(PRLIMIT[column], 0, IF_EQUAL, [0, os.getpid()], ALLOW, REFUSE)
    yield from decide(CLONE[column], 0, IF_ANY_BIT, [CLONE_THREAD], ALLOW, REFUSE)
    yield from decide(PRCTL[column], 0, IF_EQUAL, [PR_SET_PDEATHSIG], REFUSE, ALLOW)      # see `die_with_parent`
    yield from decide(FCNTL[column], 1, IF_EQUAL, SET_OWNER, REFUSE, ALLOW)
    yield from decide(IOCTL[column], 1, IF_EQUAL, SET_OWNER_OF_SOCKET, REFUSE, ALLOW)
    yield from decide(SOCKETPAIR[column], 1, IF_EQUAL, STREAMS, ALLOW, REFUSE)
    yield RETURN, 0, 0, ALLOW


def decide(call: int, argument: int, test: int, values: list[int], if_so: int, if_not: int) -> Iterator[Line]:
    """The lines for a call whose argument decides."""
    yield from [(IF_EQUAL, 0, 2 + 2 * len(values), call), (LOAD, 0, 0, 16 + 8 * argument)]
    for value in values:
        yield from [(test, 0, 1, value), (RETURN, 0, 0, if_so)]
    yield RETURN, 0, 0, if_not


MEASURES = {"files": lock_files, "rights": lose_rights, "parent": die_with_parent, "calls": filter_calls}


# --- in the parent
dumpable_before = libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)


def guard(on: bool) -> None:
    """While student code runs: nobody reads the memory of this process, and what loses its parent becomes its child."""
    prctl(PR_SET_CHILD_SUBREAPER, int(on))
    prctl(PR_SET_DUMPABLE, 0 if on else dumpable_before)


def rules_other_users() -> bool:
    """Whether this process may start and end those of another user; root may not in every container."""
    return permitted_capabilities() & FOR_OTHER_USERS == FOR_OTHER_USERS


def children() -> set[int]:
    """The processes whose parent is this one."""
    parents = {number: text_of(f"/proc/{number}/stat").rpartition(")")[2].split()[1:2] for number in processes()}
    return {number for number, parent in parents.items() if parent == [str(os.getpid())]}


def processes() -> list[int]:
    """The numbers of all processes."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def end_orphans(known: set[int], open_files: int) -> None:
    """Kill and bury what this process has adopted, until there is nothing left.

    known           its own children, which are left alone
    open_files      the limit of open files by which student code is known: nobody raises his own, or has so low a one
    """
    while adopted := [number for number in children() - known if most_open_files(number) <= open_files]:
        for number in adopted:
            with suppress(ProcessLookupError):
                os.kill(number, SIGKILL)
        for number in adopted:
            with suppress(ChildProcessError):
                os.waitpid(number, 0)


def most_open_files(process: int) -> float:
    """How many files a process may open at most."""
    limits = text_of(f"/proc/{process}/limits").partition("Max open files")[2].split()
    return int(limits[1]) if limits and limits[1].isdecimal() else float("inf")


def text_of(file: str) -> str:
    """What a file says, or nothing where it is gone."""
    with suppress(OSError), open(file) as lines:
        return lines.read()
    return ""


def tasks_of(user: int) -> int:
    """How many processes and threads a user has: the limit of processes counts them all."""
    total = 0
    for process in processes():
        with suppress(OSError):
            total += len(os.listdir(f"/proc/{process}/task")) if os.stat(f"/proc/{process}").st_uid == user else 0
    return total
