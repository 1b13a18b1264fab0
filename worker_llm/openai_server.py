"""The OpenAI-compatible server that the settings name: where it is, who may ask it, which models it has."""

import logging
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings

log = logging.getLogger(__name__)

EXAMPLE = "such as http://127.0.0.1:11434/v1"
CONNECT_S = 5  # seconds until a server that says nothing is taken for one that is not there
HEADERS_S = 30  # seconds a list of models may take
LISTED = 20  # models that an error names
NO_LIST = {404, 405, 501}  # statuses of a server that does not list its models


class Entry(BaseModel):
    id: str


class Models(BaseModel):
    data: list[Entry] | None  # null when a server has none


@dataclass
class Server:
    """`without` holds the fields that it refused: they are not sent again. Its key is never shown."""

    url: str
    key: str = field(repr=False)
    without: set[str] = field(default_factory=set)
    certificates: ssl.SSLContext = field(default_factory=httpx.create_ssl_context, repr=False)  # slow to read
    warned: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return self.url

    def warn(self, of: str) -> None:
        """Say it to the operator, once."""
        if of not in self.warned:
            log.warning("%s %s", self.url, of)
        self.warned.add(of)

    def client(self) -> httpx.AsyncClient:
        """It goes where it is told, not where a redirect leads, which would learn the key; seconds per piece are the
        caller's to watch. A proxy of the environment is no way to this machine."""
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.key}"} if self.key else {},
            timeout=httpx.Timeout(None, connect=CONNECT_S),
            verify=self.certificates,
            trust_env=not self.is_here,
            follow_redirects=False,
        )

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def is_here(self) -> bool:
        """Whether what is sent to it stays on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def shows_the_key(self) -> bool:
        """Whether anybody on the way can read the key."""
        return bool(self.key) and self.url.startswith("http:") and not self.is_here

    async def models(self, client: httpx.AsyncClient) -> list[str] | None:
        """The names of its models; None when it does not list them.

        Raises httpx.HTTPError, and ConfigurationError when what answers is no such server, or refuses the key.
        """
        answer = await client.get("/models", timeout=HEADERS_S)
        if answer.status_code in NO_LIST:
            return None
        if answer.status_code in {401, 403}:
            raise ConfigurationError(f"WAIJIAO_LLM_KEY: {self.url} refuses it ({answer.status_code})")
        if answer.is_redirect:
            where = str(answer.headers.get("Location"))[:200]
            raise ConfigurationError(f"WAIJIAO_LLM_URL={self.url} is elsewhere: set it to where {where} is")
        if answer.is_client_error and answer.status_code != 429:
            raise ConfigurationError(f"WAIJIAO_LLM_URL={self.url} answers {answer.status_code} to /models")
        answer.raise_for_status()
        try:
            return [entry.id for entry in Models.model_validate_json(answer.content).data or ()]
        except ValidationError:
            no_api = "is no OpenAI-compatible server: /models is no list. Does the URL end where its API begins"
            raise ConfigurationError(f"WAIJIAO_LLM_URL={self.url} {no_api}, {EXAMPLE}?") from None


def named(settings: Settings) -> Server:
    """The server of the settings. Raises ConfigurationError when its URL or key cannot be used."""
    url, key = settings.llm_url.strip().rstrip("/"), settings.llm_key.strip()
    if not url:
        raise ConfigurationError(f"WAIJIAO_LLM_ENGINE=openai needs WAIJIAO_LLM_URL, {EXAMPLE}")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or "@" in parts.netloc:  # what is not shown here may be a secret
        only = "must have a scheme, a host, a port if need be, and a path; a key stands in WAIJIAO_LLM_KEY"
        raise ConfigurationError(f"WAIJIAO_LLM_URL {only}: {EXAMPLE}")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError("WAIJIAO_LLM_KEY has characters that no key has")
    return Server(url, key)


def listed(models: list[str]) -> str:
    """For an error: the names of these models, or of the first of them."""
    return ", ".join(sorted(models)[:LISTED]) + (" …" if len(models) > LISTED else "") or "none"
