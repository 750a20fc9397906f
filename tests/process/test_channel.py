"""The channel between a supervisor and a child."""

import subprocess
import sys

import pytest

from pgqueue.process.channel import Channel


def test_messages_arrive_whole_and_in_order() -> None:
    ours, theirs = Channel.pair()
    other = Channel(theirs)

    ours.send("config", queues=["a"])
    ours.try_send("claim", queues=["b"])

    messages = other.receive()
    assert [{"verb": "config", "queues": ["a"]}, {"verb": "claim", "queues": ["b"]}] == messages
    ours.close()
    assert other.receive() is None
    other.close()


def test_a_child_that_reads_nothing_never_blocks_its_supervisor() -> None:
    ours, theirs = Channel.pair()

    sent = [ours.try_send("claim", queues=["x" * 1000]) for _ in range(2000)]

    assert sent[0]
    assert not sent[-1]
    ours.close()
    theirs.close()


@pytest.mark.parametrize("characters", [10, 1000, 100_000])
def test_no_send_waits_in_a_patched_child_whose_supervisor_reads_nothing(characters: int) -> None:
    verbs = {"counters"} if characters < 10_000 else set()
    # In a process of its own, because gevent patches for good.
    patched = subprocess.run(
        [sys.executable, "-c", _SEND_WITHOUT_READER, str(characters)],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (f"True False {verbs}\n", "") == (patched.stdout, patched.stderr)


_SEND_WITHOUT_READER = """
import gevent.monkey
gevent.monkey.patch_all()
import sys
import gevent
from pgqueue.process.channel import Channel

ours, theirs = Channel.pair()
text = "x" * int(sys.argv[1])
with gevent.Timeout(20):
    sent = [ours.try_send("counters", text=text) for _ in range(2000)]
other = Channel(theirs)
messages = other.receive(wait=False)
print(sent[0] or len(text) > 10_000, sent[-1], set(message["verb"] for message in messages))
"""


def test_a_line_that_was_sent_in_part_is_finished_before_the_next() -> None:
    ours, theirs = Channel.pair()
    other = Channel(theirs)
    while ours.try_send("claim", queues=["x" * 5000]):
        pass

    messages: list[object] = []
    while arrived := other.receive(wait=False):
        messages += arrived
    ours.try_send("claim", queues=["last"])
    ours.try_send("stop", grace_seconds=1)
    while arrived := other.receive(wait=False):
        messages += arrived

    assert all(isinstance(message, dict) and "verb" in message for message in messages)
    assert {"verb": "stop", "grace_seconds": 1} == messages[-1]
    ours.close()
    other.close()


@pytest.mark.parametrize(
    "line",
    [b"hello", b"", b"[1]", b"3", b"{}", b'{"verb": 1}', b"\xff\xfe", b"[" * 100_000],
    ids=lambda line: repr(line[:20]),
)
def test_a_line_that_is_no_message_is_an_error_of_its_sender(line: bytes) -> None:
    ours, theirs = Channel.pair()
    theirs.sendall(line + b"\n")

    with pytest.raises(ValueError, match="no message"):
        while True:
            ours.receive()

    ours.close()
    theirs.close()


def test_sending_to_a_child_that_has_ended_returns_false() -> None:
    ours, theirs = Channel.pair()
    theirs.close()

    assert not ours.send("stop", grace_seconds=0)
    ours.close()


def test_messages_that_were_pushed_back_are_received_first() -> None:
    ours, theirs = Channel.pair()
    other = Channel(theirs)
    ours.send("stop", grace_seconds=1)

    other.push_back([{"verb": "claim", "queues": []}])

    assert [{"verb": "claim", "queues": []}] == other.receive()
    assert [{"verb": "stop", "grace_seconds": 1}] == other.receive()
    ours.close()
    other.close()


CHILD = """
import socket, sys
from pgqueue.process.channel import Channel

print(Channel(socket.socket(fileno=int(sys.argv[1]))).receive())
"""

# A program that starts workers: it reads the answer of a child that waits for its first message.
PARENTS = {
    "a default timeout": "import socket; socket.setdefaulttimeout(0.2)",
    "gevent": "from gevent import monkey; monkey.patch_all()",
}
PARENT = """
import subprocess, sys
from pgqueue.process.channel import Channel

ours, theirs = Channel.pair()
command = [sys.executable, "-c", sys.argv[1], str(theirs.fileno())]
child = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, text=True)
try:
    child.wait(0.5)
except subprocess.TimeoutExpired:
    ours.send("config")
print(child.communicate()[0], end="")
"""


@pytest.mark.parametrize("parent", PARENTS)
def test_a_child_waits_for_its_first_message_in_any_program(parent: str) -> None:
    program = subprocess.run(
        [sys.executable, "-c", PARENTS[parent] + PARENT, CHILD],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert "[{'verb': 'config'}]\n" == program.stdout
