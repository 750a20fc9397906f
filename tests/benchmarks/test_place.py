"""Where the measured server lies: on a disk, and nothing of it stays."""

from pathlib import Path

import pytest

from benchmarks import place
from benchmarks.place import filesystem_of, opened
from pgqueue import embedded

# A benchmark runs on the embedded server alone. `make test` installs it; who tests on a server of
# their own, without the extra, has none to measure on.
_needs_embedded = pytest.mark.skipif(
    not embedded.is_installed(), reason="the extra `embedded` is not installed"
)


@_needs_embedded
def test_nothing_of_a_server_stays_wherever_it_had_to_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Too long for a socket; and as root, PostgreSQL's user cannot enter it.
    monkeypatch.setattr(place, "_FOLDER", tmp_path / ("long" * 25))
    with opened() as server:
        with server.administrator() as connection:
            data = Path(str(connection.execute("show data_directory").fetchall()[0][0]))
            sockets = Path(connection.info.host)
        assert data.exists() and sockets.exists()

    assert not data.parent.exists() and not sockets.exists()
    assert [] == list((tmp_path / ("long" * 25)).iterdir())


@_needs_embedded
def test_a_server_in_memory_is_told_with_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_FOLDER", tmp_path)
    with opened() as server:
        monkeypatch.setattr(place, "filesystem_of", lambda folder: "tmpfs")
        in_memory = server.about()
        monkeypatch.setattr(place, "filesystem_of", lambda folder: "ext4")
        on_disk = server.about()

    assert on_disk.startswith("PostgreSQL ")
    assert f"IN MEMORY (tmpfs), where fsync costs nothing: {on_disk}" == in_memory


def test_the_filesystem_of_a_folder_is_that_of_the_nearest_mount_point() -> None:
    assert "proc" == filesystem_of(Path("/proc/self/task"))
    assert filesystem_of(Path("/proc/self/task")) != filesystem_of(Path("/"))
