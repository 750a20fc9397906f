"""An application whose module sets up logging when it is imported."""

from pgqueue import task
from shop.logging_tasks import logs, set_up

set_up("dict")


@task(name="shop.configured_tasks.logs_after_import")
def logs_after_import() -> None:
    logs.function()
