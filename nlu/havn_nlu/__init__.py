"""Havn's NLU unit: Rasa components, training, and the worker behind a Unix socket."""

import os

# Rasa reads this when it is imported; nothing in this unit may call home.
os.environ["RASA_TELEMETRY_ENABLED"] = "false"
# SQLAlchemy comes along with Rasa and announces its next version at every start.
os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
