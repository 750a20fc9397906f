"""Tasks whose jobs have an id that another job of the worker had."""

import time
from pathlib import Path

from pgqueue import current_job, task


@task
def resists(name: str, folder: str) -> str:
    """Runs until its file exists, whatever is raised in it, and writes in every way."""
    job = current_job()
    Path(folder, f"{name} runs").touch()
    while not Path(folder, f"end {name}").exists():
        try:
            time.sleep(0.01)  # between two looks at the file
        except BaseException:
            Path(folder, f"{name} was interrupted").touch()
    job.log.info("%s", name)
    job.progress(0.5, name)
    return name
