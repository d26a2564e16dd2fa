"""A small OpenID Connect provider in the shape of ProConnect: discovery, authorize, token, signed userinfo, end of session."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from serving import at_work

CLIENT, SECRET = "maillage-essai", "un-secret-partage"
AUTHORIZE = {"response_type", "client_id", "redirect_uri", "scope", "state", "nonce"}  # any other is refused


@dataclass
class Provider:
    """What the provider knows: the address of who signs in, the codes given, the sessions ended."""

    email: str = "achats@ville.example"
    base: str = ""
    userinfo_sub: str = "u-1"
    verified: object = None  # whether it says that it verified the address; None, nothing, as ProConnect
    strength: str = ""  # of the identification, as ID tokens say it
    described_as: str = ""  # the issuer that its description names, where that is another
    moved: bool = False  # whether its description is said to be elsewhere
    asked: list[str] = field(default_factory=list)  # paths
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    key: Any = field(default_factory=lambda: generate_private_key(public_exponent=65537, key_size=2048))

    def signed(self, kind: str = "JWT", **claims: Any) -> str:
        facts = {"iss": self.base, "aud": CLIENT, "exp": int(time.time()) + 60, **claims}
        return jwt.encode(facts, self.key, "RS256", {"kid": "k", "typ": kind})


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider on a free port of this machine."""
    known = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            known.asked.append(url.path)
            match url.path:
                case "/.well-known/openid-configuration" if known.moved:
                    self.lead(302, "/elsewhere")
                case "/.well-known/openid-configuration":
                    names = ("authorization", "token", "userinfo", "end_session")
                    urls = {f"{name}_endpoint": f"{known.base}/{name}" for name in names}
                    urls |= {"issuer": known.described_as or known.base, "jwks_uri": f"{known.base}/jwks"}
                    self.give(urls)
                case "/jwks":
                    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(known.key.public_key()))
                    self.give({"keys": [{**public, "kid": "k", "use": "sig", "alg": "RS256"}]})
                case "/authorization":
                    assert set(asked) == AUTHORIZE and min(len(asked["state"]), len(asked["nonce"])) >= 32
                    code = secrets.token_urlsafe(8)
                    known.codes[code] = asked
                    back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
                    link = f"<a id=oui href='{back}'>Je suis {known.email}</a>"
                    self.give(f"<title>Identification</title>{link}", "text/html")
                case "/userinfo":
                    assert self.headers["Authorization"] == "Bearer jeton"
                    said = {} if known.verified is None else {"email_verified": known.verified}
                    told = known.signed(sub=known.userinfo_sub, email=known.email, **said)
                    self.give(told, "application/jwt")
                case "/end_session":
                    token = jwt.decode(asked["id_token_hint"], options={"verify_signature": False})
                    known.ended.append(token["sub"])
                    self.lead(303, f"{asked['post_logout_redirect_uri']}?state={asked['state']}")
                case _:
                    self.send_error(404)

        def do_POST(self) -> None:
            sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            form = {name: values[0] for name, values in sent.items()}
            asked = known.codes.pop(form["code"], None)
            good = asked and form["client_secret"] == SECRET and form["redirect_uri"] == asked["redirect_uri"]
            if not asked or not good:
                self.send_error(400)
                return
            strength = {"acr": known.strength} if known.strength else {}
            token = known.signed(sub="u-1", nonce=asked["nonce"], **strength)
            self.give({"access_token": "jeton", "token_type": "Bearer", "expires_in": 60, "id_token": token})

        def lead(self, status: int, where: str) -> None:
            self.send_response(status)
            self.send_header("Location", where)
            self.end_headers()

        def give(self, body: Any, media: str = "application/json") -> None:
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.base = f"http://127.0.0.1:{server.server_port}"
    with at_work(server):
        yield known
