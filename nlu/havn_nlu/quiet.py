"""Keep Rasa silent. Import this before anything of Rasa.

Rasa logs parsed texts at DEBUG through structlog, and structlog prints everything to stdout until
somebody configures it. In this unit nothing a visitor wrote may reach a log.
"""

import logging
import os
import warnings

import structlog

os.environ["LOG_LEVEL"] = "ERROR"  # Rasa's progress bars ask this variable
# A filter would not last: libraries below Rasa reset it while they are imported.
warnings.showwarning = lambda *_args, **_options: None
logging.basicConfig(level=logging.ERROR, format="%(name)s %(levelname)s")
structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
    logger_factory=structlog.ReturnLoggerFactory(),
)
