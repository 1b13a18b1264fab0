"""What a webhook is: a URL of the client's that receives a job's events. It is checked here before it is accepted."""

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from pipeline.errors import BadRequest
from pipeline.ip_ranges import is_in_networks, is_public, parse_networks
from pipeline.jobs.job import JobRequest
from pipeline.settings import Settings

FINAL_EVENTS = ("job.succeeded", "job.failed", "job.canceled", "job.expired")
JOB_EVENTS = ("job.transcribed", *FINAL_EVENTS)
EVENTS = (*JOB_EVENTS, "assignment.completed")  # scripts/lib/records.lua has the same
MAX_URL_CHARS = 2000  # characters of a URL
URL = re.compile(r"https?://[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")


def check_webhook(url: str, events: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """The events of a job that `url` receives, each once; without `events`, those that end a job.

    Raises BadRequest for an invalid URL or event. Host names are looked up, and addresses checked, at each delivery.
    """
    if unknown := [event for event in events if event not in JOB_EVENTS]:
        raise BadRequest(f"`webhook_events`: {unknown[0][:64]!r} is not one of {', '.join(JOB_EVENTS)}.")
    if not url:
        if events:
            raise BadRequest("`webhook_events` has no effect without `webhook`: add the URL.")
        return ()
    check_url(url, settings)
    return tuple(dict.fromkeys(events)) or FINAL_EVENTS


def check_url(url: str, settings: Settings) -> None:
    if len(url) > MAX_URL_CHARS or not URL.fullmatch(url):
        raise BadRequest(
            f"`webhook` must be an https URL of at most {MAX_URL_CHARS} characters, in ASCII, without a #."
        )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadRequest("`webhook` is not a URL: its host or port cannot be read.") from error
    if "@" in parts.netloc or not parts.hostname:
        raise BadRequest("`webhook` must name a host, without a user or a password; keep a secret in its path.")
    own_networks = parse_networks(settings.webhook_networks)
    if parts.scheme != "https" and not own_networks:
        raise BadRequest("`webhook` must begin with https://.")
    if address := literal_address(parts):
        is_own = is_in_networks(address, own_networks)
        if not is_own and (parts.scheme != "https" or not is_public(address)):
            raise BadRequest(
                "`webhook` names an address that this server does not send to; use https and a public one."
            )


def literal_address(parts: SplitResult) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The host as an address, if it is written as one."""
    try:
        return ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return None


def host(url: str) -> str:
    """The part of a webhook's URL that may be shown or logged; the path may contain a secret."""
    return urlsplit(url).hostname or ""


def webhook_fields(job_request: JobRequest) -> dict[str, str]:
    """What a job's record says of its webhook to the scripts that make deliveries; nothing when there is none."""
    if not job_request.webhook:
        return {}
    return {
        "webhook_host": host(job_request.webhook),
        "webhook_events": ",".join(job_request.webhook_events or FINAL_EVENTS),
    }
