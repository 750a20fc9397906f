"""An application that configures logging itself; its task is in `failing_tasks`."""

import logging

from shop import failing_tasks  # noqa: F401  # its tasks are loaded with this module

_FORMAT = "mine %(levelname)s %(name)s %(message)s job=%(job_id)s task=%(task)s"

_handler = logging.StreamHandler()
_handler.setFormatter(logging.Formatter(_FORMAT, defaults={"job_id": "-", "task": "-"}))
logging.getLogger().addHandler(_handler)
logging.getLogger().setLevel(logging.INFO)
