"""People who work in the console."""

from typing import NewType

StaffId = NewType("StaffId", str)
