"""PostgreSQL reads rows in COPY format back unchanged, as it reads rows that psycopg wrote."""

from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgqueue.store.connection.link import Link
from pgqueue.store.copy_text import Field, similar_rows

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
TRICKY = st.text(st.sampled_from('\\\n\r\t\b\f\v"{},. NnrtbxU0aü'), max_size=12)
TEXTS = TEXT | TRICKY | st.sampled_from(["\\N", "\\.", "null", "NULL", '{"a":"\\\\n"}'])
MOMENTS = st.datetimes(
    timezones=st.integers(-14 * 60, 14 * 60).map(
        lambda minutes: timezone(timedelta(minutes=minutes))
    ),
    min_value=datetime(1, 1, 3),
    max_value=datetime(9999, 12, 29),
)
FIELDS = st.tuples(
    TEXTS | st.none(),
    st.integers(-(2**63), 2**63 - 1) | st.none(),
    st.floats(allow_nan=False) | st.none(),
    st.booleans() | st.none(),
    MOMENTS | st.none(),
    st.lists(TEXTS, max_size=4).map(tuple) | st.none(),
)

_TABLE = """
create temporary table copied (
  row_number bigint generated always as identity, head text, arguments text,
  tail text, whole bigint, number float8, claim boolean, moment timestamptz, texts text[]
) on commit drop
"""
_COPY = """
copy copied (head, arguments, tail, whole, number, claim, moment, texts) from stdin
"""
_READ = """
select head, arguments, tail, whole, number, claim, moment, texts from copied order by row_number
"""


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(TEXTS, st.lists(TEXTS, max_size=4), FIELDS)
def test_rows_read_back_as_they_were(
    link: Link, head: str, texts: list[str], fields: tuple[Field, ...]
) -> None:
    with link.transaction():
        link.fetch(_TABLE, {})
        link.copy(_COPY, [similar_rows([head], texts, fields)])
        rows = link.fetch(_READ, {})
        link.fetch("truncate copied", {})
        _copy_by_psycopg(link, [(head, text, *_as_read(fields)) for text in texts])
        by_psycopg = link.fetch(_READ, {})

    expected = [(head, text, *_as_read(fields)) for text in texts]
    assert expected == rows == by_psycopg


def _as_read(fields: tuple[Field, ...]) -> list[Any]:
    return [list(field) if isinstance(field, tuple) else field for field in fields]


def _copy_by_psycopg(link: Link, rows: list[tuple[Any, ...]]) -> None:
    with psycopg.Cursor(link.raw) as cursor, cursor.copy(_COPY.encode()) as copy:
        for row in rows:
            copy.write_row(row)


def test_no_texts_make_no_rows() -> None:
    assert b"" == similar_rows(["a"], [], ["b"])
