"""ZIP archives of exports: each file inside is a file of its own."""

from __future__ import annotations

import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from segue.intake.errors import IntakeError

#: The most an archive may unpack to, so that a small file cannot fill the disk.
_MOST_BYTES = 8 << 30
_MOST_FILES = 1_000
#: What zipfile raises for damaged or unknown contents.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
)


def is_archive(path: Path) -> bool:
    """Whether the file is a ZIP, whatever it is called."""
    return path.is_file() and zipfile.is_zipfile(path)


@contextmanager
def unpacked(path: Path) -> Iterator[list[Path]]:
    """Unpack a ZIP for a while; yield its files in the order of the archive, under their own names.

    Folders, hidden files and what macOS adds are passed over. Raises IntakeError for an archive that is empty, broken,
    locked with a password, or unpacks to more than 8 GiB.
    """
    with tempfile.TemporaryDirectory(prefix="segue_import_") as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                files = _extracted(archive, Path(folder), path.name)
        except _BROKEN as error:
            raise IntakeError(f"{path.name} is a broken ZIP archive; fetch or pack it again") from error
        except RuntimeError as error:  # what zipfile says of a password
            if "password" not in str(error):
                raise
            raise IntakeError(f"{path.name} is locked with a password; unpack it first") from error
        yield files


def _extracted(archive: zipfile.ZipFile, folder: Path, name: str) -> list[Path]:
    members = [one for one in archive.infolist() if not one.is_dir() and _is_data(one.filename)]
    if not members:
        raise IntakeError(f"{name} holds no files; pack it again")
    if len(members) > _MOST_FILES or sum(one.file_size for one in members) > _MOST_BYTES:
        raise IntakeError(f"{name} holds too much to unpack at once; unpack it and import its files")
    files = []
    for number, member in enumerate(members):
        # A folder each: only the last part of the name is used, and two files may share it.
        place = folder / str(number)
        place.mkdir()
        file = place / PurePosixPath(member.filename.replace("\\", "/")).name
        with archive.open(member) as source, file.open("wb") as target:
            shutil.copyfileobj(source, target)
        files.append(file)
    return files


def _is_data(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return bool(parts) and "__MACOSX" not in parts and not parts[-1].startswith(".") and parts[-1] != ".."
