"""Settings: each declared once, and read from the first layer that sets it.

    flag  >  environment PGQUEUE_*  >  pgqueue.toml or [tool.pgqueue]  >  default

A layer has only values that were set, so that each origin is true. The command line, the
supervisor and the default client read settings once; they never change afterwards.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pgqueue.core import setting_readers as readers
from pgqueue.core.cpu_count import usable_cpus
from pgqueue.core.errors import InvalidSettings
from pgqueue.core.similar_name import similar_name

DEFAULT_ORIGIN: Final = "the default"

_PREFIX: Final = "PGQUEUE_"
_MEBIBYTE: Final = 1024 * 1024
# Every parameter of libpq that is a secret itself, and not the name of a file with one.
_SECRET: Final = "password|sslpassword|oauth_client_secret|scram_client_key|scram_server_key"
_SECRET_QUERY: Final = re.compile(rf"(?i)([?&](?:{_SECRET})=)[^&#]*")
_SECRET_WORD: Final = re.compile(rf"(?i)(\b(?:{_SECRET})\s*=\s*)('(?:[^'\\]|\\.)*(?:'|$)|\S+)")
# Greedy, and without a scheme too: a mistyped URL is shown as well, and must not show a password.
_SECRET_USER: Final = re.compile(r"((?:://|^(?![\w+.-]*://))[^:/?#@=\s]*):.*@", re.DOTALL)
_SCHEME: Final = re.compile(r"\s*[\w+.-]*://")


def _setting(read: readers.Read, default: object, unit: str, text: str) -> Any:
    metadata = {"read": read, "unit": unit, "text": text}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Every setting with its value, and where each value came from.

    Attributes:
        origins: By the setting's name: `the default`, `PGQUEUE_URL`, `--processes`, or a file's
            name.
        warnings: Sentences about variables that name no setting.
    """

    url: str | None = _setting(
        readers.text,
        None,
        "",
        "Database, in SQLAlchemy or libpq form; embedded:[PATH] for the commands alone.",
    )
    listen_url: str | None = _setting(
        readers.text, None, "", "Database to listen on, where `url` leads through PgBouncer."
    )
    schema: str = _setting(readers.schema_name, "pgqueue", "", "Schema that holds the tables.")
    tasks: tuple[str, ...] = _setting(readers.texts, (), "modules", "Modules to load tasks from.")
    queues: tuple[str, ...] = _setting(
        readers.texts,
        ("default",),
        "names",
        "Queues to take jobs from; `mail/` takes its sub-queues.",
    )
    strategy: str = _setting(
        readers.one_of("strict", "round_robin"),
        "strict",
        "",
        "Order in which the queues are taken.",
    )
    processes: int = _setting(
        readers.integer(1, 1_000), 1, "processes", "Children that run jobs in greenlets."
    )
    greenlets: int = _setting(
        readers.integer(1, 10_000), 25, "slots", "Jobs that one greenlet child runs at once."
    )
    cpus: int = _setting(
        readers.integer(0, 1_000),
        usable_cpus,
        "processes",
        "Children that run one `process` job each.",
    )
    coroutines: int = _setting(
        readers.integer(1, 10_000), 100, "slots", "Jobs that the asyncio child runs at once."
    )
    prefetch_max: int = _setting(
        readers.integer(0, 100_000),
        500,
        "jobs",
        "Short jobs that a child may claim ahead of its slots.",
    )
    grace_seconds: float = _setting(
        readers.seconds(0, 86_400),
        30.0,
        "seconds",
        "Time that running jobs get when a worker stops.",
    )
    poll_seconds: float = _setting(
        readers.seconds(0.01, 3_600),
        1.0,
        "seconds",
        "Pause between two polls for ready jobs, each by any supervisor.",
    )
    lease_seconds: float = _setting(
        readers.seconds(1, 3_600),
        30.0,
        "seconds",
        "Time without a renewal after which a worker is lost.",
    )
    heartbeat_seconds: float = _setting(
        readers.seconds(0.1, 600), 5.0, "seconds", "Time between two renewals of the lease."
    )
    timeout_grace_seconds: float = _setting(
        readers.seconds(0, 3_600),
        5.0,
        "seconds",
        "Time past its timeout before a job's child is killed.",
    )
    args_bytes_max: int = _setting(
        readers.integer(2, _MEBIBYTE), 65_536, "bytes", "Largest arguments of one job, as JSON."
    )
    result_bytes_max: int = _setting(
        readers.integer(4, 64 * _MEBIBYTE),
        _MEBIBYTE,
        "bytes",
        "Largest result of one job, as JSON.",
    )
    error_bytes_max: int = _setting(
        readers.integer(256, _MEBIBYTE), 65_536, "bytes", "Longest error text and traceback kept."
    )
    log_lines_max: int = _setting(
        readers.integer(0, 1_000_000), 1_000, "lines", "Log lines kept of one attempt."
    )
    log_bytes_max: int = _setting(
        readers.integer(0, 64 * _MEBIBYTE), _MEBIBYTE, "bytes", "Log text kept of one attempt."
    )
    log_level: str = _setting(
        readers.one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "INFO",
        "",
        "Least level of the lines that are printed and kept.",
    )
    log_format: str = _setting(
        readers.one_of("text", "json"), "text", "", "Form of the lines that are printed."
    )
    log_jobs: bool = _setting(
        readers.boolean, False, "", "Whether the start and success of each job is an INFO line."
    )
    log_config: str = _setting(
        readers.one_of("pgqueue", "app"),
        "pgqueue",
        "",
        "Who configures `logging` in workers: pgqueue, or the modules with tasks.",
    )
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def __repr__(self) -> str:
        return (
            f"Settings({', '.join(f'{name}={value!r}' for name, value in self.redacted().items())})"
        )

    def redacted(self) -> dict[str, object]:
        """Return the values by name, with no password in them, for printing."""
        return {setting.name: _hide(getattr(self, setting.name)) for setting in declared_settings()}


@dataclass(frozen=True, slots=True)
class DeclaredSetting:
    """One setting as it is declared: for `pgqueue config`, flags and the reference."""

    name: str
    unit: str
    text: str
    default: object
    read: readers.Read = field(repr=False, compare=False)

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"{_PREFIX}{self.name.upper()}"


def declared_settings() -> tuple[DeclaredSetting, ...]:
    """Return every setting, in the order in which they are best read."""
    return _DECLARED


def load_settings(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Settings:
    """Read the settings from all layers.

    Args:
        flags: The values of a command line or a caller; None and an empty tuple set nothing.
        environ: None for the environment of this process.
        folder: The folder of the files; None for the current one.

    Raises:
        InvalidSettings: A value is bad, or a file or a flag names no setting.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origins = {setting.name: DEFAULT_ORIGIN for setting in _DECLARED}
    layers = (_file_layer(Path(folder or ".")), _environment_layer(environ), _flag_layer(flags))
    for layer in layers:
        for name, (value, origin) in layer.items():
            values[name] = _read(name, value, origin)
            origins[name] = origin
    _check_together(values, origins)
    return Settings(
        **values, origins=MappingProxyType(origins), warnings=tuple(_unknown_variables(environ))
    )


def redact_url(url: str) -> str:
    """Return a database URL or libpq connection string with its passwords hidden."""
    url = _SECRET_USER.sub(r"\1:***@", url)
    url = _SECRET_QUERY.sub(r"\1***", url)
    return url if _SCHEME.match(url) else _SECRET_WORD.sub(r"\1***", url)


_Layer = dict[str, tuple[object, str]]


def _file_layer(folder: Path) -> _Layer:
    own = folder / "pgqueue.toml"
    if own.is_file():
        return _table_layer(_toml(own), own.name)
    project = folder / "pyproject.toml"
    if project.is_file():
        origin = f"[tool.pgqueue] in {project.name}"
        table = _toml(project).get("tool", {}).get("pgqueue", {})
        return _table_layer(table, origin)
    return {}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(
            path.name, "TOML", str(path), f"it cannot be read: {error}."
        ) from error


def _table_layer(table: Mapping[str, object], origin: str) -> _Layer:
    for name, value in table.items():
        if name not in _BY_NAME:
            raise InvalidSettings(name, _hide(value), origin, _unknown(name, _BY_NAME))
    return {name: (value, origin) for name, value in table.items()}


def _environment_layer(environ: Mapping[str, str]) -> _Layer:
    # An empty variable counts as not set: shells and compose files write it so.
    layer: _Layer = {}
    if environ.get("DATABASE_URL"):
        layer["url"] = (environ["DATABASE_URL"], "DATABASE_URL")
    for setting in _DECLARED:
        if environ.get(setting.variable):
            layer[setting.name] = (environ[setting.variable], setting.variable)
    return layer


def _flag_layer(flags: Mapping[str, object] | None) -> _Layer:
    passed = {
        name: value for name, value in (flags or {}).items() if value is not None and value != ()
    }
    for name, value in passed.items():
        if name not in _BY_NAME:
            raise InvalidSettings(name, _hide(value), "a flag", _unknown(name, _BY_NAME))
    return {name: (value, f"--{name.replace('_', '-')}") for name, value in passed.items()}


def _read(name: str, value: object, origin: str) -> object:
    try:
        return _BY_NAME[name].read(value)
    except ValueError as error:
        raise InvalidSettings(name, _hide(value), origin, str(error)) from None


def _check_together(values: Mapping[str, Any], origins: Mapping[str, str]) -> None:
    lease = values.get("lease_seconds", _BY_NAME["lease_seconds"].default)
    heartbeat = values.get("heartbeat_seconds", _BY_NAME["heartbeat_seconds"].default)
    if heartbeat * 2 > lease:
        raise InvalidSettings(
            "heartbeat_seconds",
            heartbeat,
            origins["heartbeat_seconds"],
            f"one late renewal would lose a lease of {lease:g} s. Take at most half of it.",
        )


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    variables = {setting.variable for setting in _DECLARED}
    return [
        f"{name} in the environment is ignored: {_unknown(name, variables)}"
        for name in sorted(environ)
        if name.startswith(_PREFIX) and name not in variables
    ]


def _unknown(name: str, known: Iterable[str]) -> str:
    similar = similar_name(name, known)
    advice = f"Did you mean {similar}?" if similar else "`pgqueue config` lists them all."
    return f"there is no such setting. {advice}"


def _hide(value: object) -> object:
    # For every setting, known or not: a misspelt `url` has a password in it, too.
    return redact_url(value) if isinstance(value, str) else value


def _declare() -> tuple[DeclaredSetting, ...]:
    defaults = Settings()
    return tuple(
        DeclaredSetting(
            setting.name,
            setting.metadata["unit"],
            setting.metadata["text"],
            getattr(defaults, setting.name),
            setting.metadata["read"],
        )
        for setting in fields(Settings)
        if setting.metadata
    )


_DECLARED: Final = _declare()
_BY_NAME: Final = {setting.name: setting for setting in _DECLARED}
