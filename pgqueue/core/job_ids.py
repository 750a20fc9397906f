"""Ids of jobs as callers pass them, checked.

A text is iterable, too: taken for a list of ids, "66" would be job 6 twice.
"""

from collections.abc import Iterable
from operator import index
from typing import Final

from pgqueue.core.errors import InvalidOption

_ID_MAX: Final = 2**63 - 1


def checked_job_id(job_id: object, option: str = "job_id") -> int:
    """Return the id of a job.

    Raises:
        InvalidOption: It is no integer from 1 to 2**63 - 1.
    """
    try:
        number = index(job_id)  # type: ignore[arg-type]  # any object may come
    except TypeError:
        number = 0
    if isinstance(job_id, bool) or not 1 <= number <= _ID_MAX:
        raise InvalidOption(option, job_id, "the id of a job is an integer from 1 to 2**63 - 1.")
    return number


def checked_job_ids(ids: object) -> list[int]:
    """Return the ids of jobs, from one id or several.

    Raises:
        InvalidOption: One of them is no id.
    """
    if isinstance(ids, Iterable) and not isinstance(ids, (str, bytes, bytearray)):
        return [checked_job_id(job_id, "ids") for job_id in ids]
    return [checked_job_id(ids, "ids")]
