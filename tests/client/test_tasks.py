"""The verbs that read tasks."""

from collections.abc import Callable

from pgqueue.client.client import Client


def test_tasks_are_read_as_they_were_recorded(
    client: Client, record_task: Callable[..., None]
) -> None:
    record_task("b.mail", {"queue": "x"}, ["a.old"])
    record_task("a.mail")

    assert ["a.mail", "b.mail"] == [task.name for task in client.tasks()]
    by_alias = client.task("a.old")
    assert by_alias is not None
    assert ("b.mail", {"queue": "x"}, ("a.old",)) == (
        by_alias.name,
        by_alias.options,
        by_alias.aliases,
    )
    assert client.task("nobody") is None
