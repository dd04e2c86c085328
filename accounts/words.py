"""What happened to an account, in one sentence each: shown on its page and mailed to its owner."""

HAPPENED = {
    "password_changed": "The password was changed.",
    "password_reset": "A new password was set through a link in a mail.",
    "totp_activated": "An authenticator app was added.",
    "totp_deactivated": "The authenticator app was removed.",
    "webauthn_added": "A passkey was added.",
    "webauthn_removed": "A passkey was removed.",
    "recovery_codes_generated": "New recovery codes were made.",
    "account_connected": "Single sign-on was connected.",
}


def sentence(template: str) -> str:
    """What the library's template of this name is about; "" for what is not worth a word."""
    return HAPPENED.get(template.rpartition("/")[2].removesuffix(".txt"), "")
