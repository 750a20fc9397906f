"""Settings: layers in order, true origins, and no secret printed."""

import pytest

from pgqueue.core.errors import InvalidSettings
from pgqueue.core.settings import DEFAULT_ORIGIN, declared_settings, load_settings, redact_url


def test_the_first_layer_that_sets_a_value_wins(tmp_path):
    (tmp_path / "pgqueue.toml").write_text("processes = 2\ngreenlets = 2\ncoroutines = 2\n")
    environ = {"PGQUEUE_PROCESSES": "3", "PGQUEUE_GREENLETS": "3"}

    settings = load_settings({"processes": 4}, environ=environ, folder=tmp_path)

    assert (4, 3, 2, 500) == (
        settings.processes,
        settings.greenlets,
        settings.coroutines,
        settings.prefetch_max,
    )
    assert ["--processes", "PGQUEUE_GREENLETS", "pgqueue.toml", DEFAULT_ORIGIN] == [
        settings.origins[name] for name in ("processes", "greenlets", "coroutines", "prefetch_max")
    ]


def test_pyproject_is_read_where_there_is_no_pgqueue_toml(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.pgqueue]\ntasks = ["shop.tasks"]\n')

    settings = load_settings(environ={}, folder=tmp_path)

    assert ("shop.tasks",) == settings.tasks
    assert "[tool.pgqueue] in pyproject.toml" == settings.origins["tasks"]


def test_a_project_without_a_table_of_pgqueue_changes_nothing(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n')

    settings = load_settings(environ={}, folder=tmp_path)

    assert {DEFAULT_ORIGIN} == set(settings.origins.values())


def test_pgqueue_url_goes_before_database_url(tmp_path):
    both = {"DATABASE_URL": "postgresql://a", "PGQUEUE_URL": "postgresql://b"}
    one = {"DATABASE_URL": "postgresql://a", "PGQUEUE_URL": ""}

    assert "postgresql://b" == load_settings(environ=both, folder=tmp_path).url
    assert "DATABASE_URL" == load_settings(environ=one, folder=tmp_path).origins["url"]


def test_flags_that_set_nothing_hide_no_other_layer(tmp_path):
    flags = {"processes": None, "queues": ()}
    environ = {"PGQUEUE_PROCESSES": "3", "PGQUEUE_QUEUES": "mail, images,mail"}

    settings = load_settings(flags, environ=environ, folder=tmp_path)

    assert 3 == settings.processes
    assert ("mail", "images") == settings.queues


def test_a_queue_that_ends_with_a_space_can_be_named(tmp_path):
    settings = load_settings({"queues": ("mail ", " ")}, environ={}, folder=tmp_path)

    assert ("mail ", " ") == settings.queues


@pytest.mark.parametrize(
    ("text", "queues"),
    [
        ('["mail,slow", "images"]', ("mail,slow", "images")),
        (' [ "mail " ]', ("mail ",)),
        ("mail,slow", ("mail", "slow")),
    ],
)
def test_a_list_in_the_environment_may_be_json(text, queues, tmp_path):
    settings = load_settings(environ={"PGQUEUE_QUEUES": text}, folder=tmp_path)

    assert queues == settings.queues


@pytest.mark.parametrize("text", ['["mail', "[mail,slow]", '[["mail"]]', "[1]"])
def test_a_broken_json_list_in_the_environment_is_refused(text, tmp_path):
    with pytest.raises(InvalidSettings, match="PGQUEUE_QUEUES"):
        load_settings(environ={"PGQUEUE_QUEUES": text}, folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("processes", "many"),
        ("processes", -1),
        ("processes", 1.5),
        ("processes", True),
        ("greenlets", 0),
        ("grace_seconds", float("nan")),
        ("poll_seconds", 0),
        ("lease_seconds", "1e99"),
        ("strategy", "random"),
        ("log_level", "LOUD"),
        ("schema", "s" * 49),
        ("schema", "pg_jobs"),
        ("schema", "a:b"),
        ("schema", ""),
        ("url", "\0"),
        ("tasks", 3),
        ("args_bytes_max", 1024 * 1024 + 1),
    ],
)
def test_a_bad_value_is_refused_with_its_origin(name, value, tmp_path):
    with pytest.raises(InvalidSettings) as caught:
        load_settings({name: value}, environ={}, folder=tmp_path)

    assert (name, f"--{name.replace('_', '-')}") == (caught.value.name, caught.value.origin)


def test_a_heartbeat_must_fit_twice_into_the_lease(tmp_path):
    environ = {"PGQUEUE_LEASE_SECONDS": "8"}

    with pytest.raises(InvalidSettings, match="at most half"):
        load_settings(environ=environ, folder=tmp_path)


def test_a_misspelt_name_in_a_file_is_an_error(tmp_path):
    (tmp_path / "pgqueue.toml").write_text("proceses = 2\n")

    with pytest.raises(InvalidSettings, match="Did you mean processes"):
        load_settings(environ={}, folder=tmp_path)


def test_a_misspelt_variable_is_a_warning(tmp_path):
    settings = load_settings(environ={"PGQUEUE_PROCESES": "2"}, folder=tmp_path)

    [warning] = settings.warnings
    assert "Did you mean PGQUEUE_PROCESSES?" in warning


def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path):
    (tmp_path / "pgqueue.toml").write_text("processes 2\n")

    with pytest.raises(InvalidSettings, match=r"pgqueue\.toml"):
        load_settings(environ={}, folder=tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:s3cret@host/db",
        "postgresql+psycopg://user:s3cret@host:5432/db?sslmode=require",
        "postgresql://user:s3cret/x?y#z@host/db",
        "postgresql://user:p@s3cret@host/db",
        "postgresql://:s3cret@host/db",
        "postgresql://host/db?user=u&password=s3cret&sslmode=require",
        "postgresql://host/db?sslpassword=s3cret",
        "postgresql://host/db?oauth_client_id=i&oauth_client_secret=s3cret",
        "host=h scram_client_key=s3cret scram_server_key=s3cret",
        "host=h password=s3cret dbname=d",
        "host=h password = 's3cret \\' s3cret' dbname=d",
        "PASSWORD=s3cret",
    ],
)
def test_a_password_is_never_printed(url, tmp_path):
    shown = load_settings({"url": url}, environ={}, folder=tmp_path).redacted()["url"]

    assert "s3cret" not in shown
    assert "***" in shown


def test_a_url_without_a_password_is_printed_whole():
    assert "postgresql://user@host/db?x=1" == redact_url("postgresql://user@host/db?x=1")


def test_a_password_is_not_printed_by_an_error(tmp_path):
    (tmp_path / "pgqueue.toml").write_text('urll = "postgresql://user:s3cret@host/db"\n')

    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ={}, folder=tmp_path)

    assert "s3cret" not in str(caught.value)


def test_every_setting_says_what_it_is_for():
    for setting in declared_settings():
        assert setting.text.endswith(".")
        assert len(setting.text) <= 80


def test_every_default_is_a_value_that_its_setting_takes():
    for setting in declared_settings():
        if setting.default is not None:
            assert setting.default == setting.read(setting.default)
