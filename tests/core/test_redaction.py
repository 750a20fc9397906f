"""What is secret is hidden in values and in text, and nothing else is."""

import json
from typing import Any

import pytest

from pgqueue.core.redaction import hide, secrets_of, without

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
def test_what_lies_at_a_path_is_hidden(value: Any, path: str, expected: Any) -> None:
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


def test_all_that_lies_below_a_path_is_secret() -> None:
    value = {"card": {"number": 41112222, "owner": ["Ada Lovelace", True, None]}, "n": 555}

    assert ("Ada Lovelace", "41112222") == secrets_of(value, [("card",)])


def test_a_secret_that_holds_another_is_hidden_whole() -> None:
    secrets = secrets_of({"a": "hunter", "b": "hunter2"}, [("a",), ("b",)])

    assert "[redacted] and [redacted]" == without("hunter2 and hunter", secrets)


def test_what_is_too_short_to_be_told_apart_stays() -> None:
    assert () == secrets_of({"pin": 12, "letter": "x"}, [("pin",), ("letter",)])


def test_a_class_of_text_of_the_users_is_not_asked() -> None:
    class Sly(str):
        def replace(self, *_: object) -> str:  # type: ignore[override]
            return self

    assert "my [redacted]" == without(Sly("my hunter2"), ["hunter2"])


def _inner(text: str, shown: str) -> str:
    """What of *text* stands where *shown* has its mark."""
    before, _, after = shown.partition("[redacted]")
    return text[len(before) : len(text) - len(after)]
