"""Use cases of the console's accounts: inviting, enrolling, signing in, and the audit trail."""

from bot.services.staff.accounts import Accounts
from bot.services.staff.challenges import Challenges
from bot.services.staff.enrolment import Enrolment
from bot.services.staff.sessions import NewSession, SessionKeeper
from bot.services.staff.sign_in import SignIn
from bot.services.staff.trail import Trail

__all__ = [
    "Accounts",
    "Challenges",
    "Enrolment",
    "NewSession",
    "SessionKeeper",
    "SignIn",
    "Trail",
]
