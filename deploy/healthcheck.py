"""Exits 0 when the web server in this container answers as it would answer the proxy."""

import http.client
import os
import sys
from urllib.parse import urlsplit

site = urlsplit(os.environ["BASE_URL"])
connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=5)
try:
    connection.request("GET", "/", headers={"Host": site.netloc, "X-Forwarded-Proto": site.scheme})
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"no answer: {error}")
if status >= 400:
    sys.exit(f"answered {status}")
