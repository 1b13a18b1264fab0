"""The OpenAI-compatible server that the settings name: its URL and key, its models, and what it does not support."""

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

URL_EXAMPLE = "such as http://127.0.0.1:11434/v1"
CONNECT_TIMEOUT_S = 5
LIST_MODELS_TIMEOUT_S = 30
MAX_LISTED_MODELS = 20  # models that an error names
NO_MODEL_LIST_STATUSES = {404, 405, 501}  # of servers that do not list their models


class ModelEntry(BaseModel):
    id: str


class ModelList(BaseModel):
    data: list[ModelEntry] | None  # null when a server has none


@dataclass
class Server:
    """A server, with what was learnt about it since the worker started. Its key is never shown."""

    url: str
    key: str = field(repr=False)
    unsupported_fields: set[str] = field(default_factory=set)  # which it rejected, and which are not sent again
    tls_context: ssl.SSLContext = field(default_factory=httpx.create_ssl_context, repr=False)  # slow to create
    warnings: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return self.url

    def warn_once(self, message: str) -> None:
        """Log a warning about this server, unless it was logged before."""
        if message not in self.warnings:
            log.warning("%s %s", self.url, message)
        self.warnings.add(message)

    def create_client(self) -> httpx.AsyncClient:
        """Follows no redirects, whose target would learn the key. Without a read timeout: callers watch the progress.

        Proxies of the environment are not used for a server on this machine.
        """
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.key}"} if self.key else {},
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
            verify=self.tls_context,
            trust_env=not self.is_local,
            follow_redirects=False,
        )

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def is_local(self) -> bool:
        """Whether what is sent to it stays on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def exposes_key(self) -> bool:
        """Whether the key travels unencrypted over a network."""
        return bool(self.key) and self.url.startswith("http:") and not self.is_local

    async def list_models(self, client: httpx.AsyncClient) -> list[str] | None:
        """The names of its models; None when it does not list them.

        Raises httpx.HTTPError; and ConfigurationError when it is not an OpenAI-compatible server or rejects the key.
        """
        response = await client.get("/models", timeout=LIST_MODELS_TIMEOUT_S)
        if response.status_code in NO_MODEL_LIST_STATUSES:
            return None
        if response.status_code in {401, 403}:
            raise ConfigurationError(f"WAIJIAO_LLM_KEY: {self.url} rejects it ({response.status_code})")
        if response.is_redirect:
            target = str(response.headers.get("Location"))[:200]
            raise ConfigurationError(f"WAIJIAO_LLM_URL={self.url} redirects to {target}: set it to that server's URL")
        if response.is_client_error and response.status_code != 429:
            raise ConfigurationError(f"WAIJIAO_LLM_URL={self.url} answers {response.status_code} to /models")
        response.raise_for_status()
        try:
            return [entry.id for entry in ModelList.model_validate_json(response.content).data or ()]
        except ValidationError:
            reason = "is not an OpenAI-compatible server: /models is not a list of models"
            raise ConfigurationError(
                f"WAIJIAO_LLM_URL={self.url} {reason}. Does the URL end with the API's path, {URL_EXAMPLE}?"
            ) from None


def create_server(settings: Settings) -> Server:
    """The server that the settings name. Raises ConfigurationError when its URL or key cannot be used."""
    url, key = settings.llm_url.strip().rstrip("/"), settings.llm_key.strip()
    if not url:
        raise ConfigurationError(f"WAIJIAO_LLM_ENGINE=openai needs WAIJIAO_LLM_URL, {URL_EXAMPLE}")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or "@" in parts.netloc:  # the value may contain a secret: not shown
        raise ConfigurationError(
            f"WAIJIAO_LLM_URL must consist of a scheme, a host, a port if needed, and a path, {URL_EXAMPLE}; "
            "set a key with WAIJIAO_LLM_KEY"
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError("WAIJIAO_LLM_KEY contains characters that an HTTP header cannot carry, or spaces")
    return Server(url, key)


def format_model_names(models: list[str]) -> str:
    """The names of these models, or of the first of them, for an error message."""
    names = ", ".join(sorted(models)[:MAX_LISTED_MODELS]) + (" …" if len(models) > MAX_LISTED_MODELS else "")
    return names or "none"
