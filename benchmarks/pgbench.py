"""pgbench: SQL alone, as fast as the server takes it."""

import subprocess
import tempfile
from pathlib import Path

from benchmarks.place import Place

THREADS = 2


def pgbench(place: Place, url: str, script: str, *words: str, clients: int) -> float:
    """Transactions a second of a script.

    Args:
        words: More of its command line: how long, with which variables.

    Raises:
        ValueError: It told no rate, or a transaction failed.
        subprocess.CalledProcessError: It failed.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".pgbench") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [
                place.programs / "pgbench",
                *("-n", "-M", "prepared", "-c", str(clients), "-j", str(THREADS)),
                *("-f", file.name, *words, url),
            ],
            cwd=Path(file.name).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    told = [line.split() for line in done.stdout.splitlines()]
    rates = [float(words[2]) for words in told if words[:2] == ["tps", "="]]
    if len(rates) != 1 or "number of failed transactions: 0 (" not in done.stdout:
        raise ValueError(f"pgbench said: {done.stdout}")
    return rates[0]
