"""An OpenID provider in a process of its own, which can be told to misbehave.

    python -m tests.identity_provider PORT

Authorisation code flow with PKCE, signed ID tokens, userinfo. POST /behave takes JSON: what is to be said
of the person, and what is to be done wrong.
"""

import base64
import hashlib
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "sitroom", "the secret of sitroom"
KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
HONEST = {
    "sub": "person-1",
    "email": "dana@example.com",
    "email_verified": True,
    "claims": {},  # put into the ID token, whatever belongs there
    "userinfo": {},  # put into the answer about the person
    "forge": False,  # sign with a key that is not published
    "asks_again": True,  # prove anew when told to
    "down": False,
}


class Provider(BaseHTTPRequestHandler):
    """One request."""

    behaviour = dict(HONEST)
    codes: dict[str, dict] = {}
    asked: list[dict] = []

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def do_GET(self) -> None:
        at = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(at.query).items()}
        if at.path == "/.well-known/openid-configuration":
            self.answer(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "userinfo_endpoint": f"{self.issuer}/userinfo",
                    "jwks_uri": f"{self.issuer}/keys",
                    "token_endpoint_auth_methods_supported": ["client_secret_post"],
                },
                503 if self.behaviour["down"] else 200,
            )
        elif at.path == "/authorize":
            code = secrets.token_urlsafe(16)
            self.codes[code] = query
            self.asked.append(query)
            self.send_response(302)
            self.send_header(
                "Location", f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
            )
            self.end_headers()
        elif at.path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            self.answer({"keys": [{**public, "kid": "1", "alg": "RS256", "use": "sig"}]})
        elif at.path == "/userinfo":
            told = {name: self.behaviour[name] for name in ("sub", "email", "email_verified")}
            self.answer({**told, **self.behaviour["userinfo"]})
        elif at.path == "/asked":
            self.answer(self.asked)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/behave":
            Provider.behaviour = {**HONEST, **json.loads(body)}
            self.asked.clear()
            return self.answer({})
        sent = {name: values[0] for name, values in parse_qs(body).items()}
        asked = self.codes.pop(sent.get("code"), None)  # a code works once
        proof = base64.urlsafe_b64encode(hashlib.sha256(sent.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or (sent["client_id"], sent["client_secret"]) != (CLIENT, SECRET)
            or asked["code_challenge"] != proof.decode().rstrip("=")
        ):
            return self.answer({"error": "invalid_grant"}, 400)
        again = asked.get("prompt") == "login" and self.behaviour["asks_again"]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": self.behaviour["sub"],
            "iat": now,
            "exp": now + 300,
            "auth_time": now if again else now - 86_400,
            "nonce": asked["nonce"],
            **self.behaviour["claims"],
        }
        key = OTHER_KEY if self.behaviour["forge"] else KEY
        token = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "1"})
        return self.answer({"access_token": "a", "token_type": "Bearer", "id_token": token})

    def answer(self, body, status: int = 200) -> None:
        """Send JSON."""
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Provider).serve_forever()
