"""Each value in each part by each way: refused before any row, or stored and read back equal."""

import re
from typing import Any

import pytest
from matrix.targets import ARGUMENT, KEY
from matrix.ways import CASES, Case

from pgqueue import Client
from pgqueue.store.connection.link import Link

MESSAGE_CHARACTERS_MAX = 2_000


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_value_is_refused_before_any_row_or_read_back_equal(
    case: Case, client: Client, link: Link
) -> None:
    before = newest(link)
    request = case.request()
    assert request is not None

    try:
        case.way.put(client, link, request)
    except case.way.refusals as error:
        assert not case.fits
        assert before == newest(link)
        assert_is_clear(error, case)
    else:
        assert case.fits or case.way.is_sql
        assert_is_equal(case, case.target.read(client.job(newest(link))))


def newest(link: Link) -> int:
    """The id of the newest job; a new job changes it."""
    [(job_id,)] = link.fetch("select coalesce(max(id), 0) from pgqueue.jobs", {})
    return job_id


def assert_is_clear(error: Exception, case: Case) -> None:
    """Fail unless the message of an error is short and names the part."""
    message = str(error)

    assert len(message) <= MESSAGE_CHARACTERS_MAX
    assert case.way.is_sql or re.search(case.target.words, message)


def assert_is_equal(case: Case, stored: Any) -> None:
    """Fail unless the stored value equals the sent one; an argument has its type too."""
    if case.way.is_sql:
        expected = case.value_in_sql()
        # jsonb is exact: a float without a fraction returns as an integer with all its digits.
        assert expected == (float(stored) if isinstance(expected, float) else stored)
        return
    sent = case.value.make()
    if case.target not in (ARGUMENT, KEY):
        sent = "".join(list(str.__iter__(sent)))
    assert sent == stored
    assert type(sent) is type(stored)
