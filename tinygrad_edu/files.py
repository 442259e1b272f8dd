"""How every file of this package is written: at each moment it is the old one or the new one, never a part.

The content goes into a file of its own in the same folder, which then takes the place of the old
one in a single step.  So a crash, a full disk or a second writer never leaves half a file.
"""

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def write_whole(path: "str | os.PathLike[str]", content: bytes) -> Path:
    """Write a file as a whole, and return its path.

    A link stays a link: what it leads to is written.  An old file keeps its mode, and its owner where
    the system allows it; a new one has the mode the umask leaves.  Devices and pipes are written into.
    Of several writers at the same time, threads or processes, the last one wins.

    Raises OSError, which names the path, and leaves the old file as it was.  Only a process that is
    killed can leave its own `.NUMBER.part` behind.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "a.txt", b"seven").read_bytes()
    b'seven'
    """
    path = Path(path)
    try:
        old = checked_target(path)
        if old is None or stat.S_ISREG(old.st_mode):
            replace(Path(os.path.realpath(path)), content, old)
        else:
            with open(path, "wb", opener=without_waiting) as file:
                file.write(content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    return path


def checked_ending(path: "str | os.PathLike[str]", endings: Sequence[str], what: str) -> str:
    """How a file name ends, which tells what is written; ValueError where it is none of these endings.

    >>> checked_ending("graph.PNG", ("svg", "png"), "pictures")
    'png'
    """
    ending = Path(path).suffix.lower()[1:]
    if ending not in endings:
        *others, last = [f".{ending}" for ending in endings]
        raise ValueError(f"{path}: {what} are written as {', '.join(others)}{' or ' * bool(others)}{last}")
    return ending


def checked_target(path: "str | os.PathLike[str]") -> os.stat_result | None:
    """What stands at the place of a file to be written: None for nothing; OSError for what cannot be written."""
    try:
        old = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, "this is a folder: name a file in it", str(path))
    if not (stat.S_ISREG(old.st_mode) or stat.S_ISCHR(old.st_mode) or stat.S_ISFIFO(old.st_mode)):
        raise OSError(errno.EINVAL, "this is a disk or a socket, not a file", str(path))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "this file may not be written", str(path))
    return old


def checked_folder(path: Path) -> None:
    """Refuse a folder that is none or may not be written into; OSError, which names what stands in the way."""
    place = next(place for place in (path, *path.parents) if place.exists())
    if not place.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "this is a file: name a folder", str(place))
    if not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, "nothing may be written into this folder: name another", str(place))


def replace(place: Path, content: bytes, old: os.stat_result | None) -> None:
    """Write a file beside its place, and move it there when it is complete."""
    mode = 0o666 if old is None else stat.S_IMODE(old.st_mode) & 0o666
    beside = place.with_name(f".{os.urandom(8).hex()}.part")        # unknown to others, who could plant a link there
    try:
        with open(beside, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            if old is not None:
                keep_owner_and_mode(beside, old)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, place)
    except BaseException:                               # Ctrl-C too
        with suppress(OSError):                         # the error to report is the one above
            beside.unlink()
        raise


def keep_owner_and_mode(place: Path, old: os.stat_result) -> None:
    """Give a file the owner and the mode of another, as far as that is allowed: it is never opened to more people."""
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(place, old.st_uid, old.st_gid)
    with suppress(OSError):
        os.chmod(place, stat.S_IMODE(old.st_mode))


def without_waiting(name: str, flags: int) -> int:
    """Open a device or a pipe; a pipe that nobody reads from is an error, not a wait without an end."""
    try:
        opened = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nobody reads from this pipe", name) from None
        raise
    if hasattr(os, "set_blocking"):
        os.set_blocking(opened, True)
    return opened
