"""The kinds of timers; one of each kind per conversation."""

AUTOCLEAN = "autoclean"
LEASE = "lease"  # look whether the counsellor is still there
TRANSFER = "transfer"  # end an offer that nobody accepted
UNANSWERED = "unanswered"  # tell a visitor who waits that nobody is free yet
