"""Following the links of mails."""

import re
from email.message import EmailMessage

from django.test import Client


def link_in(letter: EmailMessage) -> str:
    """The path of the one link that a letter leads to."""
    [path] = re.findall(r"https?://[^/\s]+(/sign-in/forgot/\S+/\S+/)", letter.get_content())
    return path


def chosen_password(client: Client, link: str, password: str):
    """Open a link to a new password and choose one."""
    answer = client.get(link)
    form = answer.headers.get("Location", link)
    return client.post(form, {"new_password1": password, "new_password2": password})
