"""Ids of jobs as callers pass them."""

from typing import Any

import pytest

from pgqueue.core.errors import InvalidOption
from pgqueue.core.job_ids import checked_job_id, checked_job_ids


class Id:
    """An integer of another library."""

    def __index__(self) -> int:
        return 7


@pytest.mark.parametrize("job_id", [7, Id()])
def test_an_integer_is_an_id(job_id: Any) -> None:
    assert checked_job_id(job_id) == 7


@pytest.mark.parametrize("job_id", ["7", b"7", 7.0, True, None, 0, -7, 2**63, [7]])
def test_all_else_is_no_id(job_id: Any) -> None:
    with pytest.raises(InvalidOption, match="an integer from 1"):
        checked_job_id(job_id)


@pytest.mark.parametrize(
    ("ids", "numbers"), [(7, [7]), ([8, Id()], [8, 7]), ((n for n in (1, 2)), [1, 2]), ([], [])]
)
def test_ids_are_one_or_several(ids: Any, numbers: list[int]) -> None:
    assert checked_job_ids(ids) == numbers


@pytest.mark.parametrize("ids", ["66", b"66", bytearray(b"66"), 68.6, [68.6], ["66"], [7, True]])
def test_a_text_is_never_taken_for_several_ids(ids: Any) -> None:
    with pytest.raises(InvalidOption, match="ids"):
        checked_job_ids(ids)
