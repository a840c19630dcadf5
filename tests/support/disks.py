"""Disks that are full, files that may not grow, and users without rights."""

import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NOBODY = 65534
_BLOCK = bytes(4096)


class NoDiskError(RuntimeError):
    """A small disk cannot be had here; the message says why."""


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A folder with a file system of its own, of so many MB; only root can mount one."""
    with tempfile.TemporaryDirectory(prefix="openalgo-disk-") as folder:
        options = f"size={megabytes}m,mode=0777"
        mount = ["mount", "-t", "tmpfs", "-o", options, "openalgo-disk", folder]
        try:
            subprocess.run(mount, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", "") or str(error)
            raise NoDiskError(f"only root can mount a small disk: {reason.strip()}") from None
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def filling(disk: Path) -> Iterator[Callable[[int], None]]:
    """A function that fills the disk but for so many bytes; there is room again after the block."""
    filler = disk / "filler"

    def fill(left: int) -> None:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(_BLOCK)
        os.truncate(filler, max(0, filler.stat().st_size - left))

    try:
        yield fill
    finally:
        filler.unlink(missing_ok=True)


@contextmanager
def growth_limit() -> Iterator[Callable[[int], None]]:
    """A function that lets no file of this process grow beyond so many bytes, within the block."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a write fails instead

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    try:
        yield limit
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@contextmanager
def without_rights() -> Iterator[None]:
    """Within the block this process is nobody if it was root, who may write everywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
