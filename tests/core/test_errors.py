"""Errors carry their facts, and survive what Python does to exceptions."""

import copy
import pickle

import pytest

from pgqueue.core import errors

EXAMPLES = [
    errors.InvalidTask("shop.f", "it is a generator."),
    errors.InvalidOption("priority", 101, "it takes -100 to 100."),
    errors.InvalidSettings("processes", "x", "--processes", "it takes a number."),
    errors.InvalidArguments("shop.f", ["args.n is missing"], "shop.f(n: int)"),
    errors.UnstorableValue("args.n", "\0", "it holds a NUL character."),
    errors.PayloadTooLarge("shop.f", 70_000, 65_536),
    errors.ResultTooLarge(2_000_000, 1_048_576),
    errors.UnknownTask("shop.g", "shop.f"),
    errors.TaskModuleNotFound("shop", "Look elsewhere."),
    errors.TaskModuleBroken("shop", "ZeroDivisionError: division by zero"),
    errors.NoCurrentJob(),
    errors.NoDatabase(),
    errors.AccessDenied("permission denied for table jobs", "Grant it."),
    errors.DatabaseUnreachable("refused"),
    errors.ReplyLost("the server closed the connection"),
    errors.EmbeddedUnavailable("not installed"),
    errors.UnsupportedConnection("sqlite3.Connection", "Pass a psycopg connection."),
    errors.UnsupportedDatabase("LATIN1"),
    errors.SchemaMissing(None, "0001", "pgqueue"),
    errors.SchemaTooOld("0001", "0002"),
    errors.SchemaTooNew("0003", "0002"),
    errors.SchemaBusy(10, ["process 812 (psql, idle in transaction, 9 s)"]),
    errors.JobGone(812),
    errors.WrongStatus(812, "running", "retry", "Wait until it has ended."),
    errors.ConnectionsInUse(10, 30.0),
    errors.JobLocked(812, "cancel"),
    errors.EventLoopBlocked("wait", "`await job.await_job()`"),
    errors.LeaseLost(812, 2, 44),
]


def leaves(kind: type[Exception]) -> set[type[Exception]]:
    """Every class of the tree that has none below it."""
    below = kind.__subclasses__()
    return set().union(*(leaves(subclass) for subclass in below)) if below else {kind}


def test_every_error_of_the_tree_has_an_example_here():
    exemplified = {type(error) for error in EXAMPLES}

    assert {*leaves(errors.PgqueueError), errors.DatabaseUnreachable} == exemplified


def test_the_tree_is_drawn_whole():
    drawing = errors.__doc__ or ""

    missing = [type(error).__name__ for error in EXAMPLES if type(error).__name__ not in drawing]

    assert [] == missing


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_and_copying(error):
    pickled = pickle.loads(pickle.dumps(error))
    copied = copy.copy(error)

    assert str(error) == str(pickled) == str(copied)
    assert vars(error) == vars(pickled) == vars(copied)


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_a_message_says_what_happened_in_whole_sentences(error):
    message = str(error)

    assert message.endswith((".", "?"))
    assert 30 <= len(message) <= 300


def test_a_value_that_cannot_be_shown_does_not_break_its_error():
    class Hostile:
        def __repr__(self):
            raise RuntimeError("no")

    message = str(errors.UnstorableValue("args.x", Hostile(), "it has no form."))

    assert "args.x = <Hostile> cannot be stored: it has no form." == message


def test_a_large_value_is_shown_as_short_text():
    message = str(errors.InvalidOption("queue", "q" * 1_000_000, "it is too long."))

    assert len(message) < 150


def test_a_librarys_message_of_several_lines_is_one_sentence() -> None:
    reason = "connection failed.\n\tIs the server running?"

    assert "failed. Is the server running? Check" in str(errors.DatabaseUnreachable(reason))
    assert "refused. Check" in str(errors.DatabaseUnreachable("refused."))
