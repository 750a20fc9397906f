"""A task that logs without limit costs its worker little memory, and its log says so."""

from typing import Any

from matrix import tasks

from pgqueue import Client

LINES = 200_000
GIANT_CHARACTERS = 1_000_000_000

# The memory of an idle worker, and of its part of a flood or of a giant line.
PEAK_BYTES_MAX = 120_000_000


def test_a_flood_of_lines_is_dropped_and_counted(client: Client, work: Any) -> None:
    flood = tasks.flood.enqueue(LINES)
    peak = tasks.peak_bytes.enqueue()

    assert 0 == work("--greenlets", "1")

    lines = client.logs(flood.id, limit=2_000)
    assert "succeeded" == client.job(flood.id).status
    assert [f"line {n}" for n in range(1_000)] == [line.message for line in lines[:-1]]
    assert lines[-1].message.startswith(f"{LINES - 1_000} more lines were dropped")
    assert client.job(peak.id).result < PEAK_BYTES_MAX


def test_a_line_of_1_gb_is_truncated_without_a_copy(client: Client, work: Any) -> None:
    giant = tasks.giant_line.enqueue(GIANT_CHARACTERS)
    peak = tasks.peak_bytes.enqueue()

    assert 0 == work("--greenlets", "1")

    assert "succeeded" == client.job(giant.id).status
    assert [16_384, 16_384] == [len(line.message.encode()) for line in giant.logs()]
    assert client.job(peak.id).result < GIANT_CHARACTERS + PEAK_BYTES_MAX
