"""The line between a supervisor and a child."""

from pgqueue.process.channel import Channel


def test_messages_arrive_whole_and_in_order() -> None:
    ours, theirs = Channel.pair()
    other = Channel(theirs)

    ours.send("config", queues=["a"])
    ours.try_send("wake", queues=["b"])

    heard = other.receive()
    assert [{"verb": "config", "queues": ["a"]}, {"verb": "wake", "queues": ["b"]}] == heard
    ours.close()
    assert other.receive() is None
    other.close()


def test_a_child_that_reads_nothing_never_stops_its_supervisor() -> None:
    ours, theirs = Channel.pair()

    offered = [ours.try_send("wake", queues=["x" * 1000]) for _ in range(2000)]

    assert offered[0]
    assert not offered[-1]
    ours.close()
    theirs.close()


def test_a_line_that_went_out_in_part_is_finished_before_the_next() -> None:
    ours, theirs = Channel.pair()
    other = Channel(theirs)
    while ours.try_send("wake", queues=["x" * 5000]):
        pass

    heard: list[object] = []
    while messages := other.receive(wait=False):
        heard += messages
    ours.try_send("wake", queues=["last"])
    ours.try_send("stop", grace_seconds=1)
    while messages := other.receive(wait=False):
        heard += messages

    assert all(isinstance(each, dict) and "verb" in each for each in heard)
    assert {"verb": "stop", "grace_seconds": 1} == heard[-1]
    ours.close()
    other.close()


def test_sending_to_a_dead_child_says_so() -> None:
    ours, theirs = Channel.pair()
    theirs.close()

    assert not ours.send("stop", grace_seconds=0)
    ours.close()
