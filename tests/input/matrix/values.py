"""All values, and all values by name."""

from matrix.containers import CONTAINERS
from matrix.exceptions import EXCEPTIONS
from matrix.numbers import NUMBERS
from matrix.objects import OBJECTS
from matrix.texts import TEXTS

VALUES = [*TEXTS, *NUMBERS, *CONTAINERS, *OBJECTS, *EXCEPTIONS]

NAMED = {value.name: value for value in VALUES}
