"""Texts: unstorable, dangerous for a terminal, or merely unusual."""

from matrix.value import value

ANYWHERE = "argument key queue task tag"

LARGEST_TEXT = value("100 MB of text", lambda: "n" * 100_000_000)

TEXTS = [
    value("an empty text", "", "argument key"),
    value("a space", " ", ANYWHERE),
    value("a NUL", "\0"),
    value("a text with a NUL inside", "before\0after"),
    value("a high surrogate alone", "\ud800"),
    value("a low surrogate inside a text", "before\udfffafter"),
    value("two surrogates that make a pair", "\ud83d\ude00"),
    value("bytes that are no UTF-8, escaped", b"\xff\xfea".decode("utf-8", "surrogateescape")),
    value("bytes read as Latin-1", bytes(range(1, 256)).decode("latin-1"), "argument key"),
    value("a carriage return and a line feed", "one\r\ntwo", "argument key"),
    value("a forged log line", "ok\n2026-11-23 19:04:05 ERROR   paid", "argument key"),
    value("ANSI colours", "\x1b[31mred\x1b[0m\x1b]0;title\x07", "argument key"),
    value("a bidirectional override", "\u202egnp.exe\u2066", ANYWHERE),
    value("Unicode's own line ends", "a\u2028b\u2029c\x85d", "argument key"),
    value("characters that are none", "\ufeff\ufffe\uffff", ANYWHERE),
    value("characters beyond the first plane", "𝄞😀\U0010ffff", ANYWHERE),
    value("a letter in two spellings", "é e\u0301", ANYWHERE),
    value("a letter under 500 accents", "e" + "\u0301" * 500, "argument key"),
    value("SQL", "'; drop table pgqueue.jobs; --", ANYWHERE),
    value("placeholders", "%s %(task)s {0} %% \\", ANYWHERE),
    value("words of COPY", "\\N\\.\\x41", ANYWHERE),
    value("words of COPY between tabs", "\t\\N\n\\.\n", "argument key"),
    value("characters that JSON escapes", '"\\/\b\f\n\r\t', "argument key"),
    value("JSON in a text", '{"a": [1, null]}', ANYWHERE),
    value("words of arrays", '{a,"b",NULL}', ANYWHERE),
    value("markup", "<script>alert(1)</script>[bold]", ANYWHERE),
    value("a path upwards", "../../etc/passwd", ANYWHERE),
    value("a slash at its end", "mail/", "argument key task tag"),
    value("a number in a text", "1e5000", ANYWHERE),
    value("200 characters", "n" * 200, ANYWHERE),
    value("201 characters", "n" * 201, "argument key task"),
    value("10,000 characters", "n" * 10_000, "argument key"),
    value("65,536 characters", "n" * 65_536),
    LARGEST_TEXT,
]
