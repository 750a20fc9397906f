"""The statements of one database, each one read from the server's log."""

from benchmarks.server import Server, name_of

# The parameters of a settlement are large: the log omits all parameters.
_LOGGED = ("log_statement = 'all'", "log_parameter_max_length = 0")

_KINDS = (b"|LOG:  statement: ", b"|LOG:  execute ")


class Statements:
    """The statements of sessions that start after this object was made."""

    def __init__(self, server: Server, url: str) -> None:
        self._log = server.log
        name = name_of(url)
        self._database = f"{name}|".encode()
        with server.administrator() as connection:
            for setting in _LOGGED:
                connection.execute(f"alter database {name} set {setting}".encode())

    def position(self) -> int:
        """The end of the log now, in bytes."""
        return self._log.stat().st_size

    def since(self, position: int) -> tuple[list[str], list[str]]:
        """The first lines of later statements: of workers, and of other sessions."""
        ours, others = list[str](), list[str]()
        with self._log.open("rb") as log:
            log.seek(position)
            for line in log:
                if line.startswith(self._database) and any(kind in line for kind in _KINDS):
                    is_ours = line.startswith(self._database + b"pgqueue ")
                    (ours if is_ours else others).append(line.decode(errors="replace"))
        return ours, others
