"""The numbers of the system calls that only the battery makes, beside those of :mod:`secureload.sandbox.kernel`."""

from __future__ import annotations

from typing import Final

from secureload.sandbox.kernel import ARCHITECTURES, architecture

__all__ = ["number_of"]

# name: (x86-64, aarch64), None where the architecture has no such call. From arch/x86/entry/syscalls/syscall_64.tbl
# and include/uapi/asm-generic/unistd.h.
_NUMBERS: Final[dict[str, tuple[int | None, int | None]]] = {
    "acct": (163, 89), "add_key": (248, 217), "alarm": (37, None), "arch_prctl": (158, None),
    "cachestat": (451, 451), "clock_adjtime": (305, 266), "clock_settime": (227, 112), "close_range": (436, 436),
    "copy_file_range": (326, 285), "dup3": (292, 24), "epoll_create1": (291, 20), "eventfd2": (290, 19),
    "execveat": (322, 281), "fallocate": (285, 47), "fanotify_init": (300, 262), "fchmod": (91, 52),
    "fchmodat2": (452, 452), "file_getattr": (468, 468), "getresuid": (118, 148), "listmount": (458, 458),
    "lsm_get_self_attr": (459, 459), "map_shadow_stack": (453, 453), "mseal": (462, 462),
    "open_tree_attr": (467, 467), "quotactl_fd": (443, 443), "setxattrat": (463, 463), "statmount": (457, 457),
    "flock": (73, 32), "fsopen": (430, 430), "futex_waitv": (449, 449), "get_mempolicy": (239, 236),
    "getrlimit": (97, 163), "inotify_init1": (294, 26), "io_setup": (206, 0), "iopl": (172, None),
    "kcmp": (312, 272), "keyctl": (250, 219), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "migrate_pages": (256, 238), "mlock": (149, 228), "mlockall": (151, 230), "modify_ldt": (154, None),
    "mount_setattr": (442, 442), "move_mount": (429, 429), "move_pages": (279, 239), "mq_open": (240, 180),
    "msgctl": (71, 187), "msgget": (68, 186), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "open_tree": (428, 428), "openat2": (437, 437), "personality": (135, 92), "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "pkey_mprotect": (329, 288),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "quotactl": (179, 60), "reboot": (169, 142),
    "recvmmsg": (299, 243), "remap_file_pages": (216, 234), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "sched_setattr": (314, 274), "sched_setscheduler": (144, 119),
    "semctl": (66, 191), "semget": (64, 190), "sendmmsg": (307, 269), "set_mempolicy": (238, 237),
    "sethostname": (170, 161), "setns": (308, 268), "setrlimit": (160, 164),
    "setsockopt": (54, 208), "settimeofday": (164, 170), "setxattr": (188, 5), "shmat": (30, 196),
    "shmctl": (31, 195), "shmget": (29, 194), "signalfd4": (289, 74), "splice": (275, 76), "swapon": (167, 224),
    "syslog": (103, 116), "tee": (276, 77), "times": (100, 153), "timer_create": (222, 107),
    "timerfd_create": (283, 85), "tkill": (200, 130), "userfaultfd": (323, 282), "vmsplice": (278, 75),
}  # fmt: skip


def number_of(name: str) -> int:
    """Return the number of a call here; NotImplementedError where this architecture has none of that name."""
    known = ARCHITECTURES[architecture()].get(name)
    if known is None:
        known = _NUMBERS.get(name, (None, None))[0 if architecture() == "x86_64" else 1]
    if known is None:
        raise NotImplementedError(name)
    return known
