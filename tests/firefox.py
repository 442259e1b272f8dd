"""Firefox without a window, by WebDriver BiDi, which it speaks itself: Playwright would bring a browser of its own."""

import json
import re
import subprocess
from contextlib import contextmanager


@contextmanager
def firefox(program, connect, profile):
    """A tab of a Firefox that is started and ended here.

    connect   `websockets.sync.client.connect`
    profile   an empty folder
    """
    command = [program, "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", str(profile)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            with connect(f"{address(process.stderr)}/session", max_size=None) as socket:
                yield Tab(socket)
        finally:
            process.terminate()


def address(lines):
    """Where it listens, which it says once it has started."""
    for line in lines:
        if found := re.search(r"ws://[\d.]+:\d+", line):
            return found[0]
    raise AssertionError("Firefox ended before it listened")


class Tab:
    """The first tab.

    requests    the addresses that it asked for
    complaints  what was said in its console, or went wrong
    """

    def __init__(self, socket):
        self.socket, self.count, self.requests, self.complaints = socket, 0, [], []
        self.ask("session.new", capabilities={})
        self.context = self.ask("browsingContext.getTree")["contexts"][0]["context"]
        self.ask("session.subscribe", events=["network.beforeRequestSent", "log.entryAdded"])

    def ask(self, method, **parameters):
        """The answer to a command of WebDriver BiDi; what happens meanwhile is noted."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            said = json.loads(self.socket.recv(timeout=120))
            if said.get("id") == self.count:
                assert said["type"] == "success", said
                return said["result"]
            self.note(said)

    def note(self, said):
        if said.get("method") == "network.beforeRequestSent":
            self.requests.append(said["params"]["request"]["url"])
        elif said.get("method") == "log.entryAdded":
            self.complaints.append(said["params"]["text"])

    def goto(self, url):
        self.ask("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def evaluate(self, script):
        """What a script gives, as JSON has it; promises are waited for."""
        text = f"Promise.resolve({script}).then(found => JSON.stringify(found ?? null))"
        answer = self.ask("script.evaluate", expression=text, target={"context": self.context}, awaitPromise=True)
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])
