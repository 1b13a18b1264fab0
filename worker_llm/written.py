"""What a model has written so far: from tokens to text that is told in whole characters and ends before a stop word."""

from collections.abc import Callable, Sequence

HALF = "\ufffd"  # what a decoder puts in the place of bytes that are no character, or not yet


def as_it_is(piece: str, last: bool) -> str:
    return piece


class Written:
    """The text of one answer, without the white space that a chat's form lets the model begin with.

    `decode` makes text of tokens. `tell` gets each piece as soon as it is sure to be of the answer. `finish` may hold
    some of the text back, until the last piece, and change it.
    """

    def __init__(
        self,
        decode: Callable[[list[int]], str],
        stop: Sequence[str],
        tell: Callable[[str], None],
        finish: Callable[[str, bool], str] = as_it_is,
    ) -> None:
        self.decode, self.stop, self.tell, self.finish = decode, [word for word in stop if word], tell, finish
        self.tokens: list[int] = []
        self.start = self.read = 0  # tokens from `start` are decoded together; up to `read` their text was taken
        self.text, self.held = "", ""  # what was told, and what may be the beginning of a stop word

    def add(self, token: int) -> bool:
        """True when a stop word is complete: then there is no more to come."""
        self.tokens.append(token)
        text = self.unread()
        if not text or text.endswith(HALF):
            return False
        self.start, self.read = self.read, len(self.tokens)
        return self.take(self.finish(text, False))

    def end(self) -> bool:
        """Tell what is left, but no half character. True when a stop word is found in it."""
        stopped = self.take(self.finish(self.unread().rstrip(HALF), True))
        self.say(len(self.held))
        return stopped

    def unread(self) -> str:
        """In the context of the tokens before: some decoders drop a space at the beginning."""
        known = self.decode(self.tokens[self.start : self.read])
        return self.decode(self.tokens[self.start :])[len(known) :]

    def take(self, text: str) -> bool:
        self.held += text
        if not self.text:
            self.held = self.held.lstrip()
        places = [self.held.index(word) for word in self.stop if word in self.held]
        if places:
            self.say(min(places))
            self.held = ""
            return True
        self.say(len(self.held) - self.doubtful())
        return False

    def doubtful(self) -> int:
        """How many characters at the end may be the beginning of a stop word."""
        most = max(map(len, self.stop), default=1) - 1
        ends = range(min(most, len(self.held)), 0, -1)
        return next((n for n in ends if any(word.startswith(self.held[-n:]) for word in self.stop)), 0)

    def say(self, characters: int) -> None:
        piece, self.held = self.held[:characters], self.held[characters:]
        if piece:
            self.text += piece
            self.tell(piece)
