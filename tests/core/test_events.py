"""Events reach every listener, and no listener can disturb the one that emits."""

import logging

from pgqueue.core.events import emit, listen


def test_a_listener_hears_events_until_it_stops():
    heard = []
    stop = listen(lambda name, fields: heard.append((name, dict(fields))))

    emit("job.claimed", job_id=1)
    stop()
    emit("job.claimed", job_id=2)

    assert [("job.claimed", {"job_id": 1})] == heard


def test_a_listener_that_raises_keeps_no_other_from_hearing(caplog):
    def broken(name, fields):
        raise ValueError("broken")

    heard = []
    stops = [listen(broken), listen(lambda name, fields: heard.append(name))]

    with caplog.at_level(logging.ERROR, "pgqueue.events"):
        emit("lease.lost", name="a field may be called name")
    for stop in stops:
        stop()

    assert ["lease.lost"] == heard
    assert ["listener raised"] == [record.message for record in caplog.records]
