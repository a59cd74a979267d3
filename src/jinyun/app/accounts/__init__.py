"""Accounts, log-in and sessions; passwords, second factor, API keys, log-in by OIDC. See docs/rights.md."""

from jinyun.app.accounts.accounts import ACCOUNTS, DEFAULT_ROLES, NAME_FORM, Accounts
from jinyun.app.accounts.failures import TooManyAttempts
from jinyun.app.accounts.session import SESSION_SECONDS, SESSIONS, SLIDE_SECONDS, Session, check_csrf

__all__ = [
    "ACCOUNTS",
    "DEFAULT_ROLES",
    "NAME_FORM",
    "SESSIONS",
    "SESSION_SECONDS",
    "SLIDE_SECONDS",
    "Accounts",
    "Session",
    "TooManyAttempts",
    "check_csrf",
]
