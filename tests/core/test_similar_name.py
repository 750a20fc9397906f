"""A mistyped name is told with the name that it most likely means."""

import subprocess
import sys

from pgqueue.core.similar_name import similar_name


def test_the_most_similar_name_is_found() -> None:
    assert similar_name("prioriti", (name for name in ("queue", "prior", "priority"))) == "priority"


def test_no_name_is_found_where_none_is_similar() -> None:
    assert similar_name("colour", ["queue", "priority"]) is None
    assert similar_name("colour", []) is None


def test_a_worker_that_meets_no_wrong_name_does_not_load_difflib() -> None:
    code = "import sys, pgqueue.worker.boot; print('difflib' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
