"""A server with OpenAI's API that behaves, or misbehaves, as the first part of the path says.

Run with: python tests/support/fake_llm_server.py

It prints its port. GET /BEHAVIOUR/requests lists the requests so far: headers, body, and whether the client hung up.
"""

import json
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REQUESTS = defaultdict(list)
MODELS = {"object": "list", "data": [{"id": "teacher", "object": "model"}]}
CONTEXT = 100  # tokens of the behaviour "small context"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        behaviour, _, rest = self.path[1:].partition("/")
        if rest == "requests":
            return self.answer(200, REQUESTS[behaviour])
        if rest != "v1/models":
            return self.answer(404, {"detail": "Not Found"})
        REQUESTS[f"{behaviour}-models"].append(dict(self.headers))
        if behaviour == "starting" and len(REQUESTS["starting-models"]) == 1:
            return self.answer(503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}})
        return self.list_models(behaviour)

    def list_models(self, behaviour):
        if behaviour == "unlisted":
            return self.answer(404, {"detail": "Not Found"})
        if behaviour == "page":
            return self.send_page()
        if behaviour == "elsewhere":
            return self.answer(307, {}, Location="/good/v1/models")
        if behaviour == "empty":
            return self.answer(200, {"object": "list", "data": None})
        return self.answer(200, MODELS)

    def do_POST(self):
        behaviour = self.path[1:].partition("/")[0]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.request_entry = {"headers": dict(self.headers), "body": body, "hung_up": False}
        REQUESTS[behaviour].append(self.request_entry)
        BEHAVIOURS[behaviour](self, body, len(REQUESTS[behaviour]))

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


def answer_normally(server, body, _):
    server.start_stream()
    server.send_raw(b": a comment keeps the connection alive\n\n")
    server.send_chunk("")
    for piece in ("Hello", ",\u2028 dear", "\x85.", "\nBye."):
        server.send_chunk(piece, usage=None)
    server.send_chunk(finish="stop")
    usage = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}
    server.send_raw(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode())
    server.end_stream()


def answer_without_usage(server, body, _):
    server.start_stream()
    server.send_chunk("Good morning.")
    server.send_chunk(finish="length")
    server.end_stream()


def refuse_with(status, message="no", **error):
    def refuse(server, body, _):
        server.answer(status, {"error": {"message": message, **error}})

    return refuse


def only_at_first(trouble):
    """Misbehave at the first request only."""

    def behaviour(server, body, number):
        (trouble if number == 1 else answer_normally)(server, body, number)

    return behaviour


def refuse_as_busy(server, body, _):
    server.answer(429, {"error": {"message": "Slow down", "type": "requests"}}, Retry_After="1")


def refuse_unsupported_fields(server, body, _):
    """Refuse unknown fields one at a time, as OpenAI's newer models do."""
    for field in ("chat_template_kwargs", "max_tokens", "temperature", "stop"):
        if field in body:
            hint = f"Unsupported parameter: '{field}' is not supported with this model."
            error = {"message": hint, "type": "invalid_request_error", "param": field, "code": "unsupported_parameter"}
            return server.answer(400, {"error": error})
    return answer_normally(server, body, 1)


def refuse_extra_field(server, body, _):
    """Refuse a field in the words of pydantic."""
    if "chat_template_kwargs" not in body:
        return answer_normally(server, body, 1)
    detail = [{"type": "extra_forbidden", "loc": ["body", "chat_template_kwargs"], "input": body}]
    return server.answer(422, {"object": "error", "message": {"detail": detail}})


def answer_within_small_context(server, body, _):
    """Refuse a prompt that is too long in the words of vLLM; a word is a token."""
    prompt_words = sum(len(message["content"].split()) for message in body["messages"])
    if prompt_words >= CONTEXT or prompt_words + body.get("max_tokens", 0) > CONTEXT:
        hint = f"This model's maximum context length is {CONTEXT} tokens. However, you requested more."
        return server.answer(400, {"error": {"message": hint, "type": "BadRequestError", "code": 400}})
    return answer_normally(server, body, 1)


def send_garbage(server, body, _):
    server.start_stream()
    server.send_raw(b"data: {not json\n\n")
    server.end_stream()


def send_endless_line(server, body, _):
    server.start_stream()
    for _ in range(30):
        server.send_raw(b"x" * 100_000)
    server.drop()


def end_too_early(server, body, _):
    server.start_stream()
    server.send_chunk("Half an ")
    server.send_raw(b"")


def hang_up_halfway(server, body, _):
    server.start_stream()
    server.send_chunk("Half an ")
    server.drop()


def fail_halfway(server, body, _):
    server.start_stream()
    server.send_chunk("Half an ")
    server.send_raw(b'data: {"error": {"message": "CUDA out of memory", "code": 500}}\n\n')
    server.send_raw(b"")


def stay_silent(server, body, _):
    server.wait_for_hang_up()


def stall_halfway(server, body, _):
    server.start_stream()
    server.send_chunk("Half an ")
    server.wait_for_hang_up()


def answer_slowly(server, body, _):
    """Send a piece every half second."""
    server.start_stream()
    for piece in ("One, ", "two, ", "three."):
        time.sleep(0.5)
        server.send_chunk(piece)
    server.send_chunk(finish="stop")
    server.end_stream()


BEHAVIOURS = {
    "good": answer_normally,
    "starting": answer_normally,
    "unlisted": answer_normally,
    "uncounted": answer_without_usage,
    "refuses the key": refuse_with(401, "Incorrect API key provided"),
    "no model": refuse_with(404, "The model `teacher` does not exist", code="model_not_found"),
    "spent": refuse_with(429, "You exceeded your current quota", code="insufficient_quota"),
    "roles": refuse_with(400, "Conversation roles must alternate; got: she dont like dogs", type="BadRequestError"),
    "busy": refuse_as_busy,
    "busy at first": only_at_first(refuse_as_busy),
    "down": refuse_with(503, "down"),
    "fails at first": only_at_first(refuse_with(500, "oops")),
    "drops at first": only_at_first(lambda server, body, number: server.drop()),
    "drops": lambda server, body, number: server.drop(),
    "page": lambda server, body, number: server.send_page(),
    "moved": lambda server, body, number: server.answer(307, {}, Location="/good/v1/chat/completions"),
    "unsupported": refuse_unsupported_fields,
    "pedantic": refuse_extra_field,
    "small context": answer_within_small_context,
    "garbage": send_garbage,
    "endless line": send_endless_line,
    "truncated": end_too_early,
    "cut": hang_up_halfway,
    "fails within": fail_halfway,
    "says nothing": stay_silent,
    "stalls": stall_halfway,
    "slow": answer_slowly,
}
BEHAVIOURS = {name.replace(" ", "-"): behaviour for name, behaviour in BEHAVIOURS.items()}


if __name__ == "__main__":
    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(http_server.server_port, flush=True)
    http_server.serve_forever()
