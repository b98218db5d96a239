"""The child process in which what nobody vouches for happens: Python that a model wrote, and HTML from the web.

It is run as a script by itself (`python -I child.py`), so it imports the standard library only; a frozen program runs
`main` on `--tool-child`. It reads one JSON object from standard input, gives up every right that it does not need, and
does what it was asked.

What it gives up, as far as the system can take it:

- everywhere but on Windows: time, memory, the size of a file, the number of open files (resource limits);
- on Linux: the network, starting programs, and reaching other processes (seccomp; it refuses to work without), and,
  with Landlock (Linux 5.13), all files but Python's own and its temporary folder;
- on macOS no more than the limits, and there the limit of memory may not hold.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import io
import json
import linecache
import os
import platform
import signal
import struct
import sys
import traceback
from types import CodeType
from typing import Any

NAME = "<python>"

#: Linux: the machines whose numbers are known, by the name that the kernel has for them in a filter.
_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
#: The calls of the system that reach beyond one process, as numbered on x86_64 and on aarch64 (-1: not there). Sources:
#: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.
_REFUSED = {
    "socket": (41, 198),
    "io_uring_setup": (425, 425),  # it could make sockets, past this filter
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, -1),
    "vfork": (58, -1),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # What Landlock does not know of: the rights of a file, and being told what happens to it.
    "chown": (92, -1),
    "lchown": (94, -1),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "inotify_add_watch": (254, 27),
    "fanotify_init": (300, 262),
    # What has no place in the tree of files: it would be shared with others, and outlive the process.
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # What makes others slow, or tells of them.
    "setpriority": (141, 140),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "syslog": (103, 116),
}
#: Not done, and said to be done, as much of Python's library calls them for its own files and takes no refusal: they
#: would change the rights and the times of a person's files, which Landlock does not keep.
_PRETENDED = {
    "chmod": (90, -1),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "utime": (132, -1),
    "utimes": (235, -1),
    "futimesat": (261, -1),
    "utimensat": (280, 88),
}
#: Refused where an argument (by its place) is one of these.
_REFUSED_WITH = {
    "prctl": ((157, 167), 0, (1,)),  # PR_SET_PDEATHSIG: it would outlive the program
    # F_SETOWN, F_SETSIG, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP: the system would send any signal to any process for it.
    "fcntl": ((72, 25), 1, (8, 10, 15)),
    "ioctl": ((16, 29), 1, (0x8901, 0x8902)),
}
#: Only AF_UNIX and SOCK_STREAM: one of another kind can be turned to other processes later.
_SOCKETPAIR = (53, 199)
#: Refused as if there were no such call: then threads are made with `clone`, whose flags a filter can read.
_CLONE3 = (435, 435)
_CLONE, _TGKILL, _PRLIMIT = (56, 220), (234, 131), (302, 261)
_CLONE_THREAD = 0x10000
_Step = tuple[int, int, int, int]
_LOAD, _JEQ, _JGE, _JSET, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _PRETEND, _REFUSE, _NOT_THERE = 0x7FFF0000, 0x00050000, 0x00050001, 0x00050026  # no error, EPERM, ENOSYS
_KILL = 0x80000000
_CAPABILITIES = 0x20080522  # the version of their form
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38

# Landlock: what may be done with files; all that a version of it does not know is left out.
_READ = 1 << 0 | 1 << 2 | 1 << 3
_ALL_OF_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_LATEST = (1 << 16) - 1
_WHAT_PYTHON_READS = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom")


class Refused(Exception):
    """The system does not take the rights away that must not be there."""


def main() -> None:
    """Read what is to be done, and do it. Ends the process."""
    request: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever it prints, it can be printed
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    status = 0
    try:
        if request["do"] == "page":
            _page(request)
        else:
            confine(request)
            status = _run(request["code"])
    except Refused as refused:
        sys.stdout.write(f"It was not run: {refused}.\n")
        status = 3
    with contextlib.suppress(OSError, ValueError):  # nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)  # threads that were left do not hold it up


def confine(request: dict[str, Any]) -> None:
    """Give up what is not needed.

    Args:
        request: `folder`, the only place to write to ("" for none); `cpu_s`, `memory` and `file_size` in bytes;
            `parent_pid`.

    Raises:
        Refused: this is Linux, and the network or, with Landlock, the files could not be shut off.
    """
    if sys.platform == "win32":
        return
    if request["folder"]:
        os.chdir(request["folder"])
    _limit(request)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.capset(struct.pack("=Ii", _CAPABILITIES, 0), bytes(24))  # where an administrator runs this program
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != request["parent_pid"]:  # it ended meanwhile
            os._exit(4)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise Refused("this Linux lets it keep its rights")
        _shut_off_files(libc, request["folder"])
        _shut_off_calls(libc)


def _limit(request: dict[str, Any]) -> None:
    import resource  # noqa: PLC0415 - not on Windows

    cpu_s = request["cpu_s"]
    for limit, most in (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, request["memory"]),
        (resource.RLIMIT_FSIZE, request["file_size"]),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
        *([(resource.RLIMIT_NPROC, 0)] if sys.platform == "darwin" else []),  # Linux would count threads, too
    ):
        hard = resource.getrlimit(limit)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS takes no limit of memory
            resource.setrlimit(limit, (value, value))


def _shut_off_files(libc: ctypes.CDLL, folder: str) -> None:
    """Landlock: nothing but reading Python's own files, and all in `folder`. Left out where the system has none.

    Raises:
        Refused: it has it, and does not do it.
    """
    version = libc.syscall(444, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return
    every = _ALL_OF_VERSION.get(version, _LATEST)
    network = 3 if version >= 4 else 0  # bind and connect over TCP
    scopes = 3 if version >= 6 else 0  # abstract sockets and signals of others
    size = 8 if version < 4 else 16 if version < 6 else 24
    attributes = struct.pack("=QQQ", every, network, scopes)[:size]
    rules = libc.syscall(444, attributes, ctypes.c_size_t(size), 0)
    if rules < 0:
        raise Refused("this Linux does not keep it from the files of others")
    # A frozen program has its modules in its executable.
    for path in {*_WHAT_PYTHON_READS, sys.executable, sys.base_prefix, sys.prefix, *filter(os.path.isabs, sys.path)}:
        _let(libc, rules, path, _READ & every)
    _let(libc, rules, os.devnull, (_READ | 1 << 1) & every)
    if folder:
        _let(libc, rules, folder, every)
    if libc.syscall(446, rules, 0):
        raise Refused("this Linux does not keep it from the files of others")
    os.close(rules)


def _let(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):  # noqa: PTH112
        rights &= 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14  # the rights that a file can have
    libc.syscall(445, rules, 1, struct.pack("=Qi", rights, place), 0)
    os.close(place)


def _shut_off_calls(libc: ctypes.CDLL) -> None:
    """Seccomp: calls of the system that reach beyond this process are refused with EPERM."""
    machine = platform.machine()
    if machine not in _MACHINES:
        raise Refused(f"on a {machine} the network cannot be shut off for it")
    column = list(_MACHINES).index(machine)
    allow, refuse = (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)
    first_argument = _argument(0)
    steps: list[_Step] = [
        (_LOAD, 0, 0, 4),
        (_JEQ, 1, 0, _MACHINES[machine]),
        (_RETURN, 0, 0, _KILL),
    ]
    steps += [(_LOAD, 0, 0, 0), (_JGE, 0, 1, 0x40000000), refuse]  # the same calls by other numbers (x32)
    for numbers in _REFUSED.values():
        steps += [(_JEQ, 0, 1, numbers[column]), refuse] if numbers[column] >= 0 else []
    for numbers in _PRETENDED.values():
        steps += [(_JEQ, 0, 1, numbers[column]), (_RETURN, 0, 0, _PRETEND)] if numbers[column] >= 0 else []
    for numbers, place, values in _REFUSED_WITH.values():
        one_of = [(_JEQ, len(values) - at, 0, value) for at, value in enumerate(values)]
        steps += [(_JEQ, 0, len(values) + 3, numbers[column]), _argument(place), *one_of, allow, refuse]
    steps += [(_JEQ, 0, 7, _SOCKETPAIR[column]), first_argument, (_JEQ, 0, 4, 1)]
    steps += [_argument(1), (_AND, 0, 0, 0xF), (_JEQ, 0, 1, 1), allow, refuse]
    steps += [(_JEQ, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _NOT_THERE)]
    # A thread, no process; a signal to itself; its own limits.
    steps += [(_JEQ, 0, 4, _CLONE[column]), first_argument, (_JSET, 1, 0, _CLONE_THREAD), refuse, allow]
    steps += [(_JEQ, 0, 4, _TGKILL[column]), first_argument, (_JEQ, 1, 0, os.getpid()), refuse, allow]
    steps += [(_JEQ, 0, 4, _PRLIMIT[column]), first_argument, (_JEQ, 1, 0, 0), refuse, allow]
    steps.append(allow)
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(buffer)))
    if libc.prctl(_PR_SET_SECCOMP, 2, program, 0, 0):
        raise Refused("this Linux cannot shut off the network for it")


def _argument(place: int) -> _Step:
    """Load an argument of the call: its low half, which is all that is looked at of those that are compared."""
    return (_LOAD, 0, 0, 16 + 8 * place)


def _run(code: str) -> int:
    """Run Python as a person types it: the value of a last line that is an expression is shown."""
    linecache.cache[NAME] = (len(code), None, code.splitlines(keepends=True), NAME)
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    try:
        body, last = _parsed(code)
        exec(body, names)  # this is what the process is for
        if last is not None:
            value = eval(last, names)
            if value is not None:
                sys.stdout.write(f"{value!r}\n")
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stdout.write(f"{end.code}\n")
        return 0
    except BaseException as error:  # noqa: BLE001 - whatever it was, it is what the code came to
        _tell(error)
        return 1
    return 0


def _parsed(code: str) -> tuple[CodeType, CodeType | None]:
    tree = ast.parse(code, NAME)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = compile(ast.Expression(tree.body.pop().value), NAME, "eval")  # type: ignore[attr-defined]
    return compile(tree, NAME, "exec"), last


def _tell(error: BaseException) -> None:
    """The traceback, from the model's own first line on."""
    at = error.__traceback__
    while at is not None and at.tb_frame.f_code.co_filename != NAME:
        at = at.tb_next
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    try:
        traceback.print_exception(type(error), error, at, limit=20, chain=False)
    except (MemoryError, RecursionError):
        sys.stderr.write(f"{type(error).__name__}\n")


def _page(request: dict[str, Any]) -> None:
    from nodetool_xl_desktop.tools.page_text import readable  # noqa: PLC0415 - not where Python is run

    confine(request)
    json.dump(readable(request["html"], request["address"]), sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
