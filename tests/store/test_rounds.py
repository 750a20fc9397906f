"""What is too much at once is done with less."""

import psycopg
import pytest
from room import Room

from pgqueue.store import upkeep
from pgqueue.store.rounds import Rounds

_SLOW = """
create function pgqueue.too_much() returns trigger language plpgsql as $$
begin
  if (select count(*) from gone) > 2 then
    raise query_canceled;
  end if;
  return null;
end $$;
create trigger too_much after delete on pgqueue.jobs
referencing old table as gone for each statement execute function pgqueue.too_much()
"""


@pytest.fixture
def kept(room: Room) -> Room:
    """Nine jobs whose time is over."""
    for _ in range(9):
        room.change(room.enqueue().id, status="succeeded")
    room.rows("update pgqueue.jobs set kept_until = now() - interval '1 s'")
    return room


def _left(room: Room) -> int:
    return int(room.row("select count(*) from pgqueue.jobs")[0])


def test_rounds_tell_whether_there_may_be_more(kept: Room) -> None:
    rounds = Rounds(upkeep.prune, 4)

    assert [True, True, False] == [rounds.take(kept.link) for _ in range(3)]

    assert 0 == _left(kept)


def test_a_round_that_is_given_up_is_taken_with_half_as_many(kept: Room) -> None:
    kept.link.raw.execute(_SLOW.encode())
    rounds = Rounds(upkeep.prune, 8)

    seen = [(rounds.take(kept.link), _left(kept)) for _ in range(4)]

    assert [(True, 9), (True, 9), (True, 7), (True, 7)] == seen


def test_a_single_job_that_is_too_much_is_an_error(kept: Room) -> None:
    kept.link.raw.execute(_SLOW.replace("> 2", "> 0").encode())
    rounds = Rounds(upkeep.prune, 2)

    assert rounds.take(kept.link)
    with pytest.raises(psycopg.errors.QueryCanceled):
        rounds.take(kept.link)

    assert 9 == _left(kept)
