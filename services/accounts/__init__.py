"""Accounts: sign-up, sign-in, sessions, and the keys that tokens are verified with. Owns schema ``accounts``."""
