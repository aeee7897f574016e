"""What ``havn doctor`` looks at, one module for each part of an installation."""

from bot.commands.examination.finding import Finding, Mark

__all__ = ["Finding", "Mark"]
