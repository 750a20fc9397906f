"""Any JSON: the API refuses it, or the database returns it equal."""

from math import copysign
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matrix.tasks import keep

from pgqueue import Client, UnstorableValue

TEXT = st.text(st.characters(exclude_categories=()), max_size=12)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)

sparing = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def is_identical(left: Any, right: Any) -> bool:
    """Whether two values are equal in value, in type and in the sign of zero."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(is_identical, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(
            is_identical(left[key], right[key]) for key in left
        )
    if isinstance(left, float):
        return left == right and copysign(1, left) == copysign(1, right)
    return bool(left == right)


@sparing
@given(JSON)
def test_a_value_by_the_task_is_refused_or_returned_equal(client: Client, value: Any) -> None:
    try:
        job = keep.enqueue(value)
    except UnstorableValue:
        return

    assert is_identical(value, job.refresh().args["value"])


@sparing
@given(JSON)
def test_a_value_by_the_name_of_a_task_is_refused_or_returned_equal(
    client: Client, value: Any
) -> None:
    try:
        job = client.enqueue("matrix.tasks.keep", {"value": value})
    except UnstorableValue:
        return

    assert is_identical(value, job.args["value"])


@sparing
@given(st.lists(JSON, min_size=1, max_size=4))
def test_values_in_bulk_are_refused_or_returned_equal(client: Client, values: list[Any]) -> None:
    before = client.count()
    try:
        count = keep.enqueue_many({"value": value} for value in values)
    except UnstorableValue:
        assert before == client.count()
        return

    stored = [job.args["value"] for job in client.jobs(limit=count)]
    assert is_identical(values, stored[::-1])
