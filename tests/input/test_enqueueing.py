"""Each value, in each place, by each way: refused before any row, or stored and read back equal."""

import re
from typing import Any

import pytest
from matrix.places import ARGUMENT, KEY
from matrix.ways import CASES, Case

from pgqueue import Client
from pgqueue.store.connection.link import Link

MESSAGE_CHARACTERS_MAX = 2_000


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_refused_before_any_row_or_read_back_equal(
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
        assert_is_equal(case, case.place.read(client.job(newest(link))))


def newest(link: Link) -> int:
    """The id of the youngest job, which is another one after each job that was stored."""
    [(job_id,)] = link.fetch("select coalesce(max(id), 0) from pgqueue.jobs", {})
    return job_id


def assert_is_clear(error: Exception, case: Case) -> None:
    """The error can be shown, is short, and says where the value stands."""
    message = str(error)

    assert len(message) <= MESSAGE_CHARACTERS_MAX
    assert case.way.is_sql or re.search(case.place.words, message)


def assert_is_equal(case: Case, stored: Any) -> None:
    """What is stored is what was sent, and of the same type where it is an argument."""
    if case.way.is_sql:
        meant = case.as_sql_means_it()
        # jsonb is exact: a float without a fraction comes back as all its digits say.
        assert meant == (float(stored) if isinstance(meant, float) else stored)
        return
    sent = case.value.make()
    if case.place not in (ARGUMENT, KEY):
        sent = "".join(list(str.__iter__(sent)))
    assert sent == stored
    assert type(sent) is type(stored)
