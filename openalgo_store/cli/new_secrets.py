"""The secrets that a new installation lacks: made at random, appended to .env, never shown."""

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from cryptography.fernet import Fernet

from ..errors import ConfigurationError
from ..settings.env_file import read_env_file

_MAKERS = {
    "API_KEY_PEPPER": lambda: secrets.token_urlsafe(48),
    "TOKEN_ENCRYPTION_KEYS": lambda: Fernet.generate_key().decode(),
}
_OWNER_ONLY = 0o600
_OTHERS = 0o077


def write_missing_secrets(path: Path, environ: Mapping[str, str]) -> tuple[list[str], bool]:
    """Append the secrets that neither the file nor the environment sets; mode 600 from then on.

    The names of those written, and whether the file was open to others before.
    """
    if not _missing(path, environ):
        return [], False
    try:
        with _opened_alone(path) as file:
            names = _missing(path, environ)  # another process may just have written them
            was_open = bool(_mode(file) & _OTHERS) and os.name == "posix"
            if names:
                path.chmod(_OWNER_ONLY)
                _append(file, "".join(f"{name}='{_MAKERS[name]()}'\n" for name in names))
    except OSError as error:
        raise ConfigurationError(
            f"{', '.join(_MAKERS)}: secrets cannot be written to {path} ({error.strerror}): "
            "change its rights, or set them in the environment"
        ) from error
    return names, bool(names) and was_open


def _missing(path: Path, environ: Mapping[str, str]) -> list[str]:
    """What is set nowhere; a blank value sets nothing, but in the environment it hides the file."""
    in_file = read_env_file(path)
    for name in _MAKERS:
        if name in environ and not environ[name].strip():
            raise ConfigurationError(
                f"{name} is blank in the environment, which counts more than {path}: unset it"
            )
    return [name for name in _MAKERS if not (environ.get(name) or in_file.get(name, "").strip())]


@contextmanager
def _opened_alone(path: Path) -> Iterator[FileIO]:
    """The file, made for its owner alone if there is none; two processes take turns with it."""
    with FileIO(path, "a+", opener=lambda name, flags: os.open(name, flags, _OWNER_ONLY)) as file:
        if not stat.S_ISREG(_mode(file)):
            raise ConfigurationError(
                f"{path} is a device or a pipe, which keeps no secrets: put a file in its place"
            )
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _mode(file: FileIO) -> int:
    return os.fstat(file.fileno()).st_mode


def _append(file: FileIO, lines: str) -> None:
    """All of the lines, or none when the disk is full."""
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(-1, os.SEEK_END)
        lines = lines if file.read(1) == b"\n" else f"\n{lines}"
    try:
        if file.write(lines.encode()) != len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())
    except OSError:
        file.truncate(size)
        raise
