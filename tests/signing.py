"""Signing in without the form, and proving again who one is."""

import html
import re
import time

from allauth.account.internal.flows import login as records
from django.test import Client

from accounts.models import User

PASSWORD = "correct horse battery"


def sign_in(client: Client, user: User, recent: bool = True) -> Client:
    """Sign in as django's force_login does; `recent`: as somebody who has just proved who they are."""
    client.force_login(user)
    session = client.session
    session[records._AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
    session[records.AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": time.time() - (0 if recent else 16 * 60)}
    ]
    session.save()
    return client


def grow_old(client: Client) -> None:
    """Let the proof of who one is be older than a quarter of an hour."""
    session = client.session
    for record in session[records.AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] -= 16 * 60
    session.save()


def confirm(client: Client, asked, password: str = PASSWORD):
    """Prove with the password who one is, where `asked` (an answer) sends one, and go on with what waited."""
    answer = client.post(asked.headers["Location"], {"password": password})
    assert answer.status_code == 302, answer.content.decode()
    page = client.get(answer.headers["Location"])
    if page.status_code == 302:
        return client.get(page.headers["Location"])
    said = page.content.decode()
    [action] = re.findall(r'<form method="post" action="([^"]*)" data-go-on>', said)
    fields = re.findall(r'<textarea name="([^"]*)" hidden>\n(.*?)</textarea>', said, re.DOTALL)
    data: dict[str, list[str]] = {}
    for name, value in fields:
        data.setdefault(html.unescape(name), []).append(html.unescape(value))
    return client.post(html.unescape(action), data)
