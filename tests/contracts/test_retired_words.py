"""No file uses a word of the private language that this code base once spoke.

The field has a word for each idea, and the glossary of the architecture names it. A retired word
may stand neither in a name, a comment, a docstring, a message, SQL, a page nor a file's name.
"""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]

# What is held to the list: files, or all files in a folder.
PLAIN = (
    "pgqueue",
    "migrations",
    "tests",
    "benchmarks",
    "docs",
    "README.md",
    "CHANGELOG.md",
    "Makefile",
    "pyproject.toml",
)

# Retired wherever a word may stand: in text, and as a part of a name.
WORDS = """
anatomy blockade burial buried buries bury burying crew crews erasable farewell guilty heed heeded
heeding heeds hush hushed impatient kick kicked kicks outgrown poke poked pokes recall recalled
recalls sanitise sanitised sanitises steered steering stranded uncharged unfit unheard
"""

# Retired as a name, where a noun can stand; in text each is an ordinary word.
NAMES = """
asked begun gives_sign heard heed hush made_later meant offer place poke put_back said told
upto uptos
"""

# Retired in text, as whole words in a row.
PHRASES = """
charged attempt
gives sign
given up
hand back
handed back
hands back
in hand
made later
passed over
passes over
taken along
"""

# Retired in the text of a page, and in the docstrings and comments of tests.
PLACES = "floor floors house houses room rooms"

# What may stand all the same: by file and word, each with its reason.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("tests/contracts/test_retired_words.py", "*"): "It lists the words.",
}

_SUFFIXES = {".md", ".mjs", ".py", ".sql", ".toml", ".txt", ".pgbench"}
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WORD = re.compile(r"[A-Za-z]+")
_STRINGS = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


class Use(NamedTuple):
    """A retired word in a line of a file; line 0 is the file's name."""

    line: int
    word: str


def test_no_file_uses_a_retired_word() -> None:
    offences = [
        f"{name}:{use.line}: {use.word}"
        for name in _names(PLAIN)
        for use in _uses(name, (ROOT / name).read_text())
        if (name, use.word) not in EXCEPTIONS and (name, "*") not in EXCEPTIONS
    ]

    assert [] == offences


def test_every_exception_is_still_needed() -> None:
    used = {
        (name, word)
        for name in {name for name, _ in EXCEPTIONS}
        for use in _uses(name, (ROOT / name).read_text())
        for word in (use.word, "*")
    }

    assert set() == EXCEPTIONS.keys() - used


@pytest.mark.parametrize(
    "name, text, word",
    [
        ("a.py", "def bury_worker(): ...", "bury"),
        ("a.py", "class SilentCrew: ...", "crew"),
        ("a.py", "x = 1  # Jobs are handed back.", "handed back"),
        ("a.py", "def f():\n    # Jobs are handed\n    # back.\n    ...", "handed back"),
        ("a.py", '"""A stranded job."""', "stranded"),
        ("a.py", 'x = f"{job} was passed over"', "passed over"),
        ("a.py", '"""The jobs that a worker has in\n\nhand."""', "in hand"),
        ("a.py", "told = fields", "told"),
        ("a.py", "def f(asked: int): ...", "asked"),
        ("a.py", "# The floors of the house.", "floors"),
        ("a.py", 'run("select id from stranded_jobs")', "stranded"),
        ("bury.sql", "select 1", "bury"),
        ("a.sql", "-- Locks: jobs that are left stranded.", "stranded"),
        ("a.sql", "with heeded as (select 1) select 1", "heeded"),
        ("a.md", "A crew of workers.", "crew"),
        ("a.md", "The attempt is\nuncharged.", "uncharged"),
    ],
)
def test_a_planted_word_is_found(name: str, text: str, word: str) -> None:
    assert word in [use.word for use in _uses(name, text)]


@pytest.mark.parametrize(
    "name, text",
    [
        ("a.py", '"""He said so, and asked; a place is free."""'),
        ("a.py", "has_room = math.floor(1.5)"),
        ("a.py", "handler = hand_over(backup)"),
        ("a.sql", "select screws from pokers -- in handling"),
        ("a.md", "The unit stands in front of the crewless ship."),
    ],
)
def test_an_ordinary_word_is_not_found(name: str, text: str) -> None:
    assert [] == list(_uses(name, text))


def test_files_with_other_suffixes_are_not_overlooked() -> None:
    known = _SUFFIXES | {".html", ".ini", ".mako", ".typed", ""}
    suffixes = {path.suffix for name in ("pgqueue", "migrations") for path in _below(ROOT / name)}

    assert set() == suffixes - known


def _names(places: Iterable[str]) -> Iterator[str]:
    """The files of these places that are text of ours."""
    for place in places:
        for path in _below(ROOT / place):
            if path.suffix in _SUFFIXES:
                yield str(path.relative_to(ROOT))


def _below(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        for file in sorted(path.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file


def _uses(name: str, text: str) -> Iterator[Use]:
    """Every retired word of a file, in its order."""
    yield from _in_text(0, " ".join(_PART.findall(Path(name).stem)))
    if name.endswith(".py"):
        yield from _in_python(text)
    else:
        yield from _in_text(1, text, with_places=name.endswith(".md"))


def _in_python(text: str) -> Iterator[Use]:
    comment = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            # The lines of a comment are one text: a phrase may go from one to the next.
            comment += f"{token.string}\n"
            continue
        if comment and token.type not in {tokenize.NL, tokenize.NEWLINE}:
            yield from _in_text(line - comment.count("\n"), comment, with_places=True)
            comment = ""
        if token.type == tokenize.NAME:
            yield from _in_name(line, token.string)
        elif token.type in _STRINGS:
            yield from _in_text(line, token.string, with_places=token.string.startswith('"""'))


def _in_name(line: int, name: str) -> Iterator[Use]:
    if name.strip("_") in _NAMES:
        yield Use(line, name.strip("_"))
    for part in _PART.findall(name):
        if part.lower() in _WORDS:
            yield Use(line, part.lower())


def _in_text(line: int, text: str, *, with_places: bool = False) -> Iterator[Use]:
    """The words of a text: of names in it, each part."""
    words = _WORDS | _PLACES if with_places else _WORDS
    for match in _WORD.finditer(text):
        parts = _PART.findall(match.group())
        for part in {match.group().lower(), *(part.lower() for part in parts)} & words:
            yield Use(line + text[: match.start()].count("\n"), part)
    for match in _PHRASES.finditer(text):
        phrase = " ".join(_WORD.findall(match.group())).lower()
        yield Use(line + text[: match.start()].count("\n"), phrase)


_WORDS = frozenset(WORDS.split())
_NAMES = frozenset(NAMES.split())
_PLACES = frozenset(PLACES.split())
_PHRASES = re.compile(
    "|".join(
        rf"\b{phrase.replace(' ', '[^A-Za-z.]+')}\b" for phrase in PHRASES.strip().split("\n")
    ),
    re.IGNORECASE,
)
