"""On Windows: a job object that ends the children with this process, however it dies.

The counterpart of Linux's PR_SET_PDEATHSIG. The handle is never closed by us: the system closes it with this process,
and JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE then ends what is in the job. (Win32: "Job Objects".)
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes
    from functools import cache

    _EXTENDED_LIMIT_INFORMATION = 9
    _KILL_ON_JOB_CLOSE = 0x2000
    _PROCESS_TERMINATE_AND_SET_QUOTA = 0x0001 | 0x0100

    class _BasicLimits(ctypes.Structure):
        _fields_ = (
            ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
            ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        )

    class _ExtendedLimits(ctypes.Structure):
        _fields_ = (
            ("BasicLimitInformation", _BasicLimits),
            ("IoInfo", ctypes.c_uint64 * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        )

    @cache
    def _job() -> tuple[ctypes.WinDLL, int]:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.OpenProcess.restype = wintypes.HANDLE
        job = kernel.CreateJobObjectW(None, None)
        limits = _ExtendedLimits()
        limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
        if not job or not kernel.SetInformationJobObject(
            wintypes.HANDLE(job), _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
        ):
            raise ctypes.WinError(ctypes.get_last_error())
        return kernel, job

    def end_with_this_process(pid: int) -> None:
        """Put a child into the job.

        Raises:
            OSError: the system refused; the child would outlive a crash of this program.
        """
        kernel, job = _job()
        handle = kernel.OpenProcess(_PROCESS_TERMINATE_AND_SET_QUOTA, False, pid)
        if not handle:
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            if not kernel.AssignProcessToJobObject(wintypes.HANDLE(job), wintypes.HANDLE(handle)):
                raise ctypes.WinError(ctypes.get_last_error())
        finally:
            kernel.CloseHandle(wintypes.HANDLE(handle))
