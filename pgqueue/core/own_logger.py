"""The loggers `pgqueue.*`, which no set-up of logging disables by accident."""

import logging


class OwnLogger(logging.Logger):
    """A logger that is always enabled; its level decides what it logs.

    `dictConfig` and `fileConfig` disable every logger that exists and that they do not name. The
    logger of a job would then lose what the job logs, and a worker its warnings.
    """

    @property
    def disabled(self) -> bool:
        """False."""
        return False

    @disabled.setter
    def disabled(self, value: bool) -> None:
        """Nothing: it stays enabled."""


def own_logger(name: str) -> logging.Logger:
    """Return the logger of that name, which stays enabled."""
    logger = logging.getLogger(name)
    # An application may have chosen a class of loggers of its own; that one stays.
    if type(logger) is logging.Logger:
        logger.__class__ = OwnLogger
    return logger
