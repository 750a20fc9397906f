"""What is secret is hidden in values and in text, and nothing else is."""

import json
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pytest

from pgqueue.core.values import introspect
from pgqueue.core.values.redaction import hide, secrets_of, without

CARD = {"card": {"number": "4111-2222", "name": "Ada"}, "amount": 7}


@pytest.mark.parametrize(
    "value, path, expected",
    [
        (CARD, "card.number", {"card": {"number": "[redacted]", "name": "Ada"}, "amount": 7}),
        (CARD, "card", {"card": "[redacted]", "amount": 7}),
        ({"cards": [{"n": 1}, {"n": 2}]}, "cards.n", {"cards": [{"n": "[redacted]"}] * 2}),
        ({"cards": [1, 2]}, "cards.1", {"cards": [1, "[redacted]"]}),
        (CARD, "other", CARD),
    ],
)
def test_the_value_at_a_path_is_hidden(value: Any, path: str, expected: Any) -> None:
    assert expected == hide(value, [path.split(".")])


@pytest.mark.parametrize(
    "secret",
    ["plain", 'it\'s "quoted"', "two\nlines", "back\\slash", "ünïcödé", "\x1b[31m", "😀😀😀"],
)
@pytest.mark.parametrize(
    "written",
    [
        lambda text: f"card {text} refused",
        lambda text: repr({"card": text}),
        lambda text: repr(ValueError(text)),
        lambda text: json.dumps({"card": text}),
        lambda text: json.dumps({"card": text}, ensure_ascii=False),
        lambda text: text.encode("unicode_escape").decode(),
    ],
)
def test_a_secret_is_hidden_however_it_is_written(secret: str, written: Any) -> None:
    secrets = secrets_of({"card": secret}, [("card",)])

    shown = without(written(secret), secrets)

    assert "[redacted]" in shown
    assert written(secret) == shown.replace("[redacted]", _inner(written(secret), shown))


def test_every_value_below_a_path_is_secret() -> None:
    value = {"card": {"number": 41112222, "owner": ["Ada Lovelace", True, None]}, "n": 555}

    assert ("Ada Lovelace", "41112222") == secrets_of(value, [("card",)])


def test_a_secret_that_contains_another_is_hidden_whole() -> None:
    secrets = secrets_of({"a": "hunter", "b": "hunter2"}, [("a",), ("b",)])

    assert "[redacted] and [redacted]" == without("hunter2 and hunter", secrets)


def test_a_secret_that_is_too_short_to_be_found_stays() -> None:
    assert () == secrets_of({"pin": 12, "letter": "x"}, [("pin",), ("letter",)])


@dataclass
class Card:
    number: str
    born: date = date(1815, 12, 10)
    others: list["Card"] = field(default_factory=list)


@dataclass(slots=True)
class Slim:
    number: str


class Holiday(date):
    """A subclass of date of the application's."""


class Flag(Enum):
    SECRET = "hunter2"


class Purse(NamedTuple):
    card: Card
    coins: int = 12345


@pytest.mark.parametrize(
    "secret",
    [
        b"\x00hunter\xff",
        datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        date(1815, 12, 10),
        Decimal("1234.50"),
        uuid.UUID(int=7),
        PurePosixPath("/secret/place"),
        {"hunter-2": None},
        {("hunter2", 12345)},
        Card("hunter2"),
        Purse(Card("hunter2")),
        deque(["hunter2", 12345]),
        Slim("hunter2"),
        Holiday(2026, 1, 2),
        Flag.SECRET,
    ],
)
def test_a_secret_is_hidden_as_the_task_prints_it(secret: Any) -> None:
    secrets = secrets_of({"it": secret}, [("it",)])

    shown = without(f"{secret} and {secret!r}", secrets)

    assert "[redacted]" in shown
    for part in ("hunter", "2026", "1815", "1234", "00000007", "secret"):
        assert part not in shown


@pytest.mark.parametrize("path", ["purse.0.number", "purse.0.others.born"])
def test_a_path_leads_through_models(path: str) -> None:
    purse = Purse(Card("hunter2", others=[Card("hunter2", born=date(1999, 1, 2))]))

    secrets = secrets_of({"purse": purse}, [path.split(".")])

    assert ("hunter2" in secrets) == path.endswith("number")
    assert ("1999-01-02" in secrets) == path.endswith("born")
    assert "12345" not in secrets


def test_models_that_contain_one_another_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = [Card(f"hunter-{n}") for n in range(30)]
    for card in cards:
        card.others.extend(cards)
    reads = 0
    parts = introspect.parts

    def counted(value: Any) -> Any:
        nonlocal reads
        reads += 1
        return parts(value)

    monkeypatch.setattr(introspect, "parts", counted)

    secrets = secrets_of({"cards": cards[:1]}, [("cards",)])

    assert {card.number for card in cards} <= set(secrets)
    assert reads <= 31 + 30 * 31


def test_the_repr_of_a_class_of_the_application_is_not_called() -> None:
    class Endless:
        __slots__ = ()

        def __repr__(self) -> str:
            raise AssertionError

    assert () == secrets_of({"card": Endless()}, [("card",)])


@pytest.mark.parametrize(
    "secrets, shown",
    [
        (["abcde", "cdefg"], "x [redacted] y"),
        (["abcde", "redacted"], "x [redacted]fg y"),
        (["abc", "efg"], "x [redacted]d[redacted] y"),
        (["abcd", "efg"], "x [redacted] y"),
    ],
)
def test_secrets_that_overlap_are_hidden_together(secrets: Sequence[str], shown: str) -> None:
    assert shown == without("x abcdefg y", secrets)


def test_a_secret_behind_all_that_arguments_can_hold_is_hidden() -> None:
    value = {"keys": [*[1] * 500_000, "hunter2"]}

    assert len(json.dumps(value, separators=(",", ":"))) < 1024 * 1024
    assert ("hunter2",) == secrets_of(value, [("keys",)])


def test_text_grows_a_little_only() -> None:
    secrets = ["[re", "dac", "ted", "d][", "abc"]

    assert 4 * 15_000 >= len(without("abcd" * 3_750, secrets))


def test_no_method_of_a_text_class_of_the_application_is_called() -> None:
    class Sly(str):
        def replace(self, *_: object) -> str:  # type: ignore[override]
            return self

    assert "my [redacted]" == without(Sly("my hunter2"), ["hunter2"])


def _inner(text: str, shown: str) -> str:
    """What of *text* stands where *shown* has its mark."""
    before, _, after = shown.partition("[redacted]")
    return text[len(before) : len(text) - len(after)]
