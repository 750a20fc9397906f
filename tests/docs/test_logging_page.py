"""The configuration of the page about log lines prints the job of each line."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/how-to/logging.md"


def test_the_configuration_of_the_page_prints_the_job_of_each_line() -> None:
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    code = (
        f"{example}\n"
        "from pgqueue.core.job_context import JobContext, enter\n"
        "from pgqueue.telemetry import job_fields\n"
        "job_fields.install()\n"
        "logging.getLogger('shop').info('before')\n"
        "enter(JobContext(id=7, attempt=1, task='shop.f', args={}, host=None))\n"
        "logging.getLogger('shop').info('inside')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert ["INFO before job=- task=-", "INFO inside job=7 task=shop.f"] == done.stderr.splitlines()
