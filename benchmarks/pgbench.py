"""pgbench: the rate of SQL alone."""

import subprocess
import tempfile
from pathlib import Path

from benchmarks.server import Server

THREADS = 2


def pgbench(server: Server, url: str, script: str, *words: str, clients: int) -> float:
    """Transactions a second of a script.

    Args:
        words: Further arguments: the duration and the variables.

    Raises:
        ValueError: The output has no rate, or a transaction failed.
        subprocess.CalledProcessError: pgbench failed.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".pgbench") as file:
        file.write(script)
        file.flush()
        result = subprocess.run(
            [
                server.programs / "pgbench",
                *("-n", "-M", "prepared", "-c", str(clients), "-j", str(THREADS)),
                *("-f", file.name, *words, url),
            ],
            cwd=Path(file.name).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    lines = [line.split() for line in result.stdout.splitlines()]
    rates = [float(words[2]) for words in lines if words[:2] == ["tps", "="]]
    if len(rates) != 1 or "number of failed transactions: 0 (" not in result.stdout:
        raise ValueError(f"pgbench printed: {result.stdout}")
    return rates[0]
