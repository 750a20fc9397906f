"""Finds the conditions of a statement, and takes one of them out.

Each operand of a WHERE, an ON or a WHEN is a condition, and so is each operand in brackets inside.
An operand of `and` becomes `true`, an operand of `or` becomes `false`. The only condition of a WHEN
becomes `false`, so that its branch never runs. An `and` or `or` outside of them is an error, so
that no condition is missed.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_WORD = re.compile(r"'(?:[^']|'')*'|%\(\w+\)s|[a-z_][\w.]*|[();]", re.IGNORECASE)

# Words that end a condition outside of its own brackets.
_ENDS = frozenset(
    {
        *(";", "then", "else", "end", "where", "on", "when", "as", "group", "order", "limit"),
        *("for", "union", "join", "left", "cross", "returning", "do"),
    }
)

_REPLACEMENTS = {"and": "true", "or": "false"}


@dataclass(frozen=True, slots=True)
class Conjunct:
    """One condition: its start and end in a text, its replacement, its number among equal ones."""

    start: int
    end: int
    text: str
    replacement: str
    number: int

    def __str__(self) -> str:
        return self.text if self.number == 1 else f"{self.text} ({self.number})"


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    depth: int


def conjuncts(text: str) -> list[Conjunct]:
    """Every condition, in order.

    Raises:
        ValueError: A condition cannot be read.
    """
    words = list(_words(text))
    read = {joint for index in _openings(words) for joint in _joints(words, index)}
    unread = [
        word.start for n, word in enumerate(words) if word.text in _REPLACEMENTS and n not in read
    ]
    if unread:
        raise ValueError(f"cannot read {text[unread[0] :][:60]!r}")
    conditions, seen = [], Counter[str]()
    for start, end, replacement in sorted(
        operand for index in _openings(words) for operand in _operands(text, words, index)
    ):
        if text[end:].lstrip().lower().startswith("do "):
            continue  # it names the index of a conflict, and chooses no row
        plain = " ".join(text[start:end].split())
        seen[plain] += 1
        conditions.append(Conjunct(start, end, plain, replacement, seen[plain]))
    return conditions


def without(text: str, conjunct: Conjunct) -> str:
    """The text without a condition."""
    return f"{text[: conjunct.start]}{conjunct.replacement}{text[conjunct.end :]}"


def _words(text: str) -> Iterator[_Word]:
    depth = 0
    for match in _WORD.finditer(text):
        word = match.group().lower()
        depth -= word == ")"
        yield _Word(word, match.start(), depth)
        depth += word == "("


def _openings(words: list[_Word]) -> list[int]:
    """The words before conditions: keywords, and brackets inside a condition."""
    openings = [n for n, word in enumerate(words) if _is_opening(words, n, word.text)]
    for index in openings:
        for begin, end in _parts(words, index + 1):
            bracket = begin + (words[begin].text == "not")
            if words[bracket].text == "(" and _partner(words, bracket) == end - 1:
                # The loop reaches the added bracket too: it may have brackets inside.
                openings += [bracket] if _joints(words, bracket) else []
    return openings


def _is_opening(words: list[_Word], index: int, word: str) -> bool:
    if word == "on":
        return words[index + 1].text != "conflict"
    # `case x when 1` compares a value and has no condition.
    return word == "where" or (word == "when" and words[_case_of(words, index) + 1].text == "when")


def _case_of(words: list[_Word], index: int) -> int:
    inner = 0
    for before in range(index - 1, -1, -1):
        if words[before].text == "case":
            if inner == 0:
                return before
            inner -= 1
        inner += words[before].text == "end"
    raise ValueError("a WHEN without a CASE")


def _partner(words: list[_Word], bracket: int) -> int:
    depth = words[bracket].depth
    return next(
        n
        for n in range(bracket + 1, len(words))
        if words[n].depth == depth and words[n].text == ")"
    )


def _end(words: list[_Word], first: int) -> int:
    depth = words[first].depth
    for index in range(first, len(words)):
        word = words[index]
        if word.depth < depth or (word.depth == depth and word.text in _ENDS):
            return index
    return len(words)


def _joints(words: list[_Word], opening: int) -> list[int]:
    """The `and`s or `or`s of the condition behind an opening."""
    first = opening + 1
    depth = words[first].depth
    indexes = range(first, _end(words, first))
    joints = [n for n in indexes if words[n].depth == depth and words[n].text in _REPLACEMENTS]
    if len({words[n].text for n in joints}) > 1:
        raise ValueError("`and` beside `or`, without brackets")
    return joints


def _parts(words: list[_Word], first: int) -> list[tuple[int, int]]:
    joints = _joints(words, first - 1)
    return [*zip([first, *(n + 1 for n in joints)], [*joints, _end(words, first)], strict=True)]


def _operands(text: str, words: list[_Word], opening: int) -> Iterator[tuple[int, int, str]]:
    joints = _joints(words, opening)
    alone = "false" if words[opening].text == "when" else "true"
    replacement = _REPLACEMENTS[words[joints[0]].text] if joints else alone
    for begin, end in _parts(words, opening + 1):
        stop = words[end].start if end < len(words) else len(text)
        start, after = words[begin].start, len(text[:stop].rstrip())
        if text[start:after] != replacement:  # `on true` has no condition
            yield start, after, replacement
