"""The limits of tags."""

import psycopg
import pytest
from matrix.tasks import keep

from pgqueue import Client, InvalidOption
from pgqueue.store.connection.link import Link

INSERT = "insert into pgqueue.jobs (task, tags) values ('matrix.tasks.keep', %(tags)s::text[])"


def test_fifty_tags_are_stored(client: Client) -> None:
    tags = tuple(f"{number:03}" * 66 for number in range(50))

    job = keep.using(tags=tags).enqueue(1)

    assert tags == job.refresh().tags


@pytest.mark.parametrize("count", [51, 100_000])
def test_more_than_fifty_tags_are_refused(client: Client, count: int) -> None:
    before = client.count()

    with pytest.raises(InvalidOption, match="at most 50"):
        keep.using(tags=["tag"] * count).enqueue_many([{"value": 1}])

    assert before == client.count()


@pytest.mark.parametrize(
    "tags",
    [["tag"] * 51, ["tag"] * 100_000, ["a", None], ["a", ""], [["a"], ["b"]], ["n" * 10_001]],
    ids=["51", "100,000", "a null", "an empty one", "two dimensions", "a large one"],
)
def test_sql_refuses_invalid_tags(link: Link, tags: list[object]) -> None:
    with pytest.raises(psycopg.Error):
        link.fetch(INSERT, {"tags": tags})
