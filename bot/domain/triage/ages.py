"""Numbers that may be the age of a child."""

from typing import Final

YOUNGEST, OLDEST_MINOR = 8, 17
# What a phrase calls any number, and one that may be such an age.
AGE: Final = "{age}"
NUMBER: Final = "{number}"
