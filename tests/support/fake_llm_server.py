"""A server with OpenAI's API and, by the first part of the path, a bad habit.

Run with: python tests/support/fake_llm_server.py

It prints its port. GET /HABIT/requests lists the requests so far: headers, body, and whether the client hung up.
"""

import json
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REQUESTS = defaultdict(list)
MODELS = {"object": "list", "data": [{"id": "teacher", "object": "model"}]}
CONTEXT = 100  # tokens of the habit "small context"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        habit, _, rest = self.path[1:].partition("/")
        if rest == "requests":
            return self.answer(200, REQUESTS[habit])
        if rest != "v1/models":
            return self.answer(404, {"detail": "Not Found"})
        REQUESTS[f"{habit}-models"].append(dict(self.headers))
        if habit == "starting" and len(REQUESTS["starting-models"]) == 1:
            return self.answer(503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}})
        return self.list_models(habit)

    def list_models(self, habit):
        if habit == "unlisted":
            return self.answer(404, {"detail": "Not Found"})
        if habit == "page":
            return self.send_page()
        if habit == "elsewhere":
            return self.answer(307, {}, Location="/good/v1/models")
        if habit == "empty":
            return self.answer(200, {"object": "list", "data": None})
        return self.answer(200, MODELS)

    def do_POST(self):
        habit = self.path[1:].partition("/")[0]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.request_entry = {"headers": dict(self.headers), "body": body, "hung_up": False}
        REQUESTS[habit].append(self.request_entry)
        HABITS[habit](self, body, len(REQUESTS[habit]))

    def answer(self, status, content, **headers):
        self.send(status, json.dumps(content).encode(), "application/json", **headers)

    def send_page(self):
        self.send(200, b"<html><body>Welcome</body></html>", "text/html")

    def send(self, status, body, kind, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def start_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_raw(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def send_chunk(self, content=None, finish=None, **more):
        choices = [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]
        data = json.dumps({"choices": choices, **more}, ensure_ascii=False)
        self.send_raw(f"data: {data}\r\n\r\n".encode())

    def end_stream(self):
        self.send_raw(b"data: [DONE]\n\n")
        self.send_raw(b"")

    def wait_for_hang_up(self):
        self.connection.settimeout(30)
        self.request_entry["hung_up"] = self.connection.recv(1) == b""
        self.close_connection = True

    def drop(self):
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_):
        return


def good(server, body, _):
    server.start_stream()
    server.send_raw(b": a comment keeps the connection alive\n\n")
    server.send_chunk("")
    for piece in ("Hello", ",\u2028 dear", "\x85.", "\nBye."):
        server.send_chunk(piece, usage=None)
    server.send_chunk(finish="stop")
    usage = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}
    server.send_raw(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode())
    server.end_stream()


def uncounted(server, body, _):
    server.start_stream()
    server.send_chunk("Good morning.")
    server.send_chunk(finish="length")
    server.end_stream()


def refuses(status, message="no", **error):
    def refuse(server, body, _):
        server.answer(status, {"error": {"message": message, **error}})

    return refuse


def first(trouble):
    """Trouble at the first request; good afterwards."""

    def habit(server, body, number):
        (trouble if number == 1 else good)(server, body, number)

    return habit


def busy(server, body, _):
    server.answer(429, {"error": {"message": "Slow down", "type": "requests"}}, Retry_After="1")


def unsupported(server, body, _):
    """As OpenAI's newer models refuse what they do not have, one field at a time."""
    for field in ("chat_template_kwargs", "max_tokens", "temperature", "stop"):
        if field in body:
            hint = f"Unsupported parameter: '{field}' is not supported with this model."
            error = {"message": hint, "type": "invalid_request_error", "param": field, "code": "unsupported_parameter"}
            return server.answer(400, {"error": error})
    return good(server, body, 1)


def pedantic(server, body, _):
    """As pydantic says it."""
    if "chat_template_kwargs" not in body:
        return good(server, body, 1)
    detail = [{"type": "extra_forbidden", "loc": ["body", "chat_template_kwargs"], "input": body}]
    return server.answer(422, {"object": "error", "message": {"detail": detail}})


def small_context(server, body, _):
    """As vLLM says it; a word is a token."""
    prompt_words = sum(len(message["content"].split()) for message in body["messages"])
    if prompt_words >= CONTEXT or prompt_words + body.get("max_tokens", 0) > CONTEXT:
        hint = f"This model's maximum context length is {CONTEXT} tokens. However, you requested more."
        return server.answer(400, {"error": {"message": hint, "type": "BadRequestError", "code": 400}})
    return good(server, body, 1)


def garbage(server, body, _):
    server.start_stream()
    server.send_raw(b"data: {not json\n\n")
    server.end_stream()


def endless_line(server, body, _):
    server.start_stream()
    for _ in range(30):
        server.send_raw(b"x" * 100_000)
    server.drop()


def truncated(server, body, _):
    server.start_stream()
    server.send_chunk("Half an ")
    server.send_raw(b"")


def cut(server, body, _):
    server.start_stream()
    server.send_chunk("Half an ")
    server.drop()


def fails_within(server, body, _):
    server.start_stream()
    server.send_chunk("Half an ")
    server.send_raw(b'data: {"error": {"message": "CUDA out of memory", "code": 500}}\n\n')
    server.send_raw(b"")


def says_nothing(server, body, _):
    server.wait_for_hang_up()


def stalls(server, body, _):
    server.start_stream()
    server.send_chunk("Half an ")
    server.wait_for_hang_up()


def slow(server, body, _):
    """Half a second from piece to piece."""
    server.start_stream()
    for piece in ("One, ", "two, ", "three."):
        time.sleep(0.5)
        server.send_chunk(piece)
    server.send_chunk(finish="stop")
    server.end_stream()


HABITS = {
    "good": good,
    "starting": good,
    "unlisted": good,
    "uncounted": uncounted,
    "refuses the key": refuses(401, "Incorrect API key provided"),
    "no model": refuses(404, "The model `teacher` does not exist", code="model_not_found"),
    "spent": refuses(429, "You exceeded your current quota", code="insufficient_quota"),
    "roles": refuses(400, "Conversation roles must alternate; got: she dont like dogs", type="BadRequestError"),
    "busy": busy,
    "busy at first": first(busy),
    "down": refuses(503, "down"),
    "fails at first": first(refuses(500, "oops")),
    "drops at first": first(lambda server, body, number: server.drop()),
    "drops": lambda server, body, number: server.drop(),
    "page": lambda server, body, number: server.send_page(),
    "moved": lambda server, body, number: server.answer(307, {}, Location="/good/v1/chat/completions"),
    "unsupported": unsupported,
    "pedantic": pedantic,
    "small context": small_context,
    "garbage": garbage,
    "endless line": endless_line,
    "truncated": truncated,
    "cut": cut,
    "fails within": fails_within,
    "says nothing": says_nothing,
    "stalls": stalls,
    "slow": slow,
}
HABITS = {name.replace(" ", "-"): habit for name, habit in HABITS.items()}


if __name__ == "__main__":
    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(http_server.server_port, flush=True)
    http_server.serve_forever()
