"""A registry, a path and a default client of each test's own; no database is needed here."""

import sys

import pytest

from pgqueue.client.client import Client
from pgqueue.tasks import default, loading, registry


class Recorder(Client):
    """A client that records jobs instead of sending them."""

    def __init__(self):
        super().__init__("postgresql://nowhere.invalid/none")
        self.sent = []

    def insert(self, new, *, connection=None):
        self.sent.append((new, connection))

    async def ainsert(self, new, *, connection=None):
        self.sent.append((new, connection))

    def insert_many(self, new, *, connection=None, batch_size=1_000):
        jobs = list(new)
        self.sent.extend((job, connection) for job in jobs)
        return len(jobs)

    async def ainsert_many(self, new, *, connection=None, batch_size=1_000):
        return self.insert_many(new, connection=connection, batch_size=batch_size)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """Start with no task and no package loaded."""
    monkeypatch.setattr(registry.REGISTRY, "_by_name", {})
    monkeypatch.setattr(loading, "LOADER", loading.TaskLoader())


@pytest.fixture(autouse=True)
def own_default(monkeypatch, tmp_path):
    """Start without a configuration, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("PGQUEUE_URL", "DATABASE_URL", "PGQUEUE_SCHEMA"):
        monkeypatch.delenv(name, raising=False)
    default.configure()
    yield
    default.configure()


@pytest.fixture
def recorder(monkeypatch):
    """The default client, which records."""
    client = Recorder()
    monkeypatch.setattr(default._DEFAULT, "client", client)
    return client


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write modules into the current folder, and unload them afterwards."""
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)

    def write(**modules):
        for name, text in modules.items():
            path = tmp_path.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]
