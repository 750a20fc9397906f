"""The domains: the values that a column of the main tables may have, checked at each write.

A check of a table runs again with every update of a row, whichever columns the update writes, and
every statement reads it from the catalog. With such checks a claim and a settlement took 2
microseconds longer for each job, and a single insert half as long again. Part of the metadata; the
migrations are written by hand and must be equal.
"""

from typing import Any

from sqlalchemy import DateTime, Double, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeDecorator, TypeEngine


class Domain(TypeDecorator[Any]):
    """A domain in PostgreSQL; SQLAlchemy treats its values as values of the base type.

    The `DOMAIN` of SQLAlchemy has one check only, and does not behave as its base type.

    Args:
        checks: Conditions on `value`, by the names of their constraints.
    """

    impl: Any = Text
    cache_ok = True

    def __init__(self, name: str, base: TypeEngine[Any], **checks: str) -> None:
        super().__init__()
        self.name = name
        self.impl = base
        self.checks = tuple(checks.items())


@compiles(Domain)
def _named(domain: Domain, compiler: Any, **_: Any) -> str:
    return f"pgqueue.{domain.name}"


queue_name = Domain("queue_name", Text(), queue_name_check="char_length(value) between 1 and 200")
task_name = Domain("task_name", Text(), task_name_check="char_length(value) between 1 and 500")
# Arguments that Python cannot read back, or that are too large, are refused at the insert. A claim
# returns the arguments of many jobs, and must not fail for one of them.
job_args = Domain(
    "job_args",
    JSONB(),
    job_args_check="jsonb_typeof(value) = 'object'",
    job_args_depth_check=(
        """not jsonb_path_exists(value, 'strict $.**{64} ? (@.type() == "array" """
        """|| @.type() == "object")')"""
    ),
    job_args_numbers_check=(
        """not jsonb_path_exists(value, 'strict $.** ? (@.type() == "number" """
        "&& (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308))')"
    ),
    job_args_size_check="octet_length(value::text) <= 2097152",
)
job_status = Domain(
    "job_status",
    Text(),
    job_status_check=(
        "value in ('scheduled', 'queued', 'running', 'blocked', 'succeeded', 'failed', 'cancelled')"
    ),
)
# The range of a Python datetime: a listing with an infinite moment would fail.
moment = Domain(
    "moment",
    DateTime(timezone=True),
    moment_check="value between '0001-01-02 00:00:00+00' and '9999-12-30 00:00:00+00'",
)
priority = Domain("priority", SmallInteger(), priority_check="value between -100 and 100")
executor = Domain("executor", Text(), executor_check="value in ('greenlet', 'asyncio', 'process')")
delivery = Domain("delivery", Text(), delivery_check="value in ('at_least_once', 'at_most_once')")
attempt_count = Domain("attempt_count", Integer(), attempt_count_check="value >= 1")
backoff = Domain("backoff", Text(), backoff_check="value in ('exponential', 'linear', 'fixed')")
wait_seconds = Domain("wait_seconds", Double(), wait_seconds_check="value between 0 and 31622400")
timeout_seconds = Domain(
    "timeout_seconds", Double(), timeout_seconds_check="value > 0 and value <= 31622400"
)
keep_seconds = Domain("keep_seconds", Double(), keep_seconds_check="value between 0 and 3162240000")
fraction = Domain("fraction", Double(), fraction_check="value between 0 and 1")
job_key = Domain("job_key", Text(), job_key_check="char_length(value) between 1 and 500")
tags = Domain(
    "tags",
    ARRAY(Text),
    tags_check=(
        "cardinality(value) <= 50"
        " and coalesce(array_ndims(value), 1) = 1"
        " and array_position(value, null) is null"
        " and array_position(value, '') is null"
        " and char_length(array_to_string(value, '')) <= 10000"
    ),
)
outcome = Domain(
    "outcome",
    Text(),
    outcome_check=(
        "value in"
        " ('succeeded', 'failed', 'timed_out', 'lost', 'interrupted', 'cancelled', 'snoozed')"
    ),
)
request_kind = Domain("request_kind", Text(), request_kind_check="value in ('cancel')")
