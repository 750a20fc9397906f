"""The measured server lies on a disk, and its files are removed."""

from pathlib import Path

import pytest

from benchmarks import server as server_module
from benchmarks.server import filesystem_of, open_server
from pgqueue import embedded

# A benchmark needs the embedded server. `make test` installs it; a test run on another server may
# lack it.
_needs_embedded = pytest.mark.skipif(
    not embedded.is_installed(), reason="the extra `embedded` is not installed"
)


@_needs_embedded
def test_a_closed_server_leaves_no_file_inside_or_outside_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The path is too long for a socket. For root, PostgreSQL's user cannot enter it either.
    monkeypatch.setattr(server_module, "_FOLDER", tmp_path / ("long" * 25))
    with open_server() as server:
        with server.administrator() as connection:
            data = Path(str(connection.execute("show data_directory").fetchall()[0][0]))
            sockets = Path(connection.info.host)
        assert data.exists() and sockets.exists()

    assert not data.parent.exists() and not sockets.exists()
    assert [] == list((tmp_path / ("long" * 25)).iterdir())


@_needs_embedded
def test_the_description_of_a_server_in_memory_warns_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_FOLDER", tmp_path)
    with open_server() as server:
        monkeypatch.setattr(server_module, "filesystem_of", lambda folder: "tmpfs")
        in_memory = server.about()
        monkeypatch.setattr(server_module, "filesystem_of", lambda folder: "ext4")
        on_disk = server.about()

    assert on_disk.startswith("PostgreSQL ")
    assert f"IN MEMORY (tmpfs), where fsync costs nothing: {on_disk}" == in_memory


def test_the_filesystem_of_a_folder_is_that_of_the_nearest_mount_point() -> None:
    assert "proc" == filesystem_of(Path("/proc/self/task"))
    assert filesystem_of(Path("/proc/self/task")) != filesystem_of(Path("/"))
