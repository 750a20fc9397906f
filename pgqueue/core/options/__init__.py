"""Options of a task and of one call, checked before anything is sent.

`declaration` declares each option once; `task_options` and `call_options` are its typed forms.
"""

from pgqueue.core.options.call_options import CallKeywords, CallOptions
from pgqueue.core.options.checks import (
    NAME_CHARACTERS_MAX,
    Delivery,
    Executor,
    check_delivery,
    check_moment,
    check_queue,
    check_text,
)
from pgqueue.core.options.declaration import CALL_OPTIONS, TASK_OPTIONS, check_names
from pgqueue.core.options.task_options import TaskKeywords, TaskOptions
from pgqueue.core.options.unset import UNSET, Unset

__all__ = [
    "CALL_OPTIONS",
    "NAME_CHARACTERS_MAX",
    "TASK_OPTIONS",
    "UNSET",
    "CallKeywords",
    "CallOptions",
    "Delivery",
    "Executor",
    "TaskKeywords",
    "TaskOptions",
    "Unset",
    "check_delivery",
    "check_moment",
    "check_names",
    "check_queue",
    "check_text",
]
