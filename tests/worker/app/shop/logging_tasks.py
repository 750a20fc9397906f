"""Tasks that log, before and after their application has set up logging in its own way."""

import io
import logging
import logging.config

from pgqueue import current_job, task

log = logging.getLogger("shop.logging")
alone = logging.getLogger("shop.alone")
alone.propagate = False

_DICT = {
    "version": 1,
    "formatters": {"short": {"format": "APP %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "short"}},
    "root": {"level": "INFO", "handlers": ["console"]},
    "loggers": {"shop": {"level": "INFO"}},
}

_FILE = """
[loggers]
keys=root,shop
[handlers]
keys=console
[formatters]
keys=short
[logger_root]
level=INFO
handlers=console
[logger_shop]
qualname=shop
level=INFO
handlers=
[handler_console]
class=StreamHandler
formatter=short
args=()
[formatter_short]
format=APP %(name)s: %(message)s
"""


def set_up(how: str) -> None:
    """Set up logging as applications do; most of these ways take the handlers of others away."""
    root = logging.getLogger()
    if how == "dict":
        logging.config.dictConfig(_DICT)
    elif how == "file":
        logging.config.fileConfig(io.StringIO(_FILE))
    elif how == "basic":
        logging.basicConfig(level="INFO", force=True, format="APP %(name)s: %(message)s")
    elif how == "handlers":
        root.handlers = [logging.StreamHandler()]
        root.handlers[0].setFormatter(logging.Formatter("APP %(name)s: %(message)s"))


@task
def sets_up_in_greenlet(how: str) -> None:
    set_up(how)
    logs.function()


@task(executor="process")
def sets_up_in_process(how: str) -> None:
    set_up(how)
    logs.function()


@task
def logs() -> None:
    current_job().log.info("by the job")
    log.info("by the module")
    alone.warning("without propagation")


@task(executor="process")
def logs_in_process() -> None:
    logs.function()


@task
def logs_where_it_stands() -> None:
    current_job().log.info("here", stack_info=True)
    record = logging.makeLogRecord(
        {"name": "elsewhere", "msg": "from another process", "exc_text": "KeyError: 'there'"}
    )
    logging.getLogger("shop.received").handle(record)
