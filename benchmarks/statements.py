"""What is asked in one database, by the server's log: every statement, and no guess."""

from benchmarks.place import Place, name_of

# Parameters are not written: those of a settlement are large.
_LOGGED = ("log_statement = 'all'", "log_parameter_max_length = 0")

_KINDS = (b"|LOG:  statement: ", b"|LOG:  execute ")


class Statements:
    """The statements of sessions that begin after this was made."""

    def __init__(self, place: Place, url: str) -> None:
        self._log = place.log
        name = name_of(url)
        self._database = f"{name}|".encode()
        with place.administrator() as connection:
            for setting in _LOGGED:
                connection.execute(f"alter database {name} set {setting}".encode())

    def here(self) -> int:
        """Where the log ends now."""
        return self._log.stat().st_size

    def since(self, here: int) -> tuple[list[str], list[str]]:
        """The first line of each statement since then: those of workers, and those of others."""
        ours, others = list[str](), list[str]()
        with self._log.open("rb") as log:
            log.seek(here)
            for line in log:
                if line.startswith(self._database) and any(kind in line for kind in _KINDS):
                    is_ours = line.startswith(self._database + b"pgqueue ")
                    (ours if is_ours else others).append(line.decode(errors="replace"))
        return ours, others
