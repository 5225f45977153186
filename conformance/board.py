"""A TensorBoard of one's own on a folder: started on a free port, asked over HTTP, ended with the `with` block."""
import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

PATIENCE = 60  # seconds: only a broken board ever waits this long


class Board:
    """`fast`: TensorBoard's data server (Rust) loads the runs; else its Python loader does."""

    def __init__(self, folder, fast):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", "--logdir", folder, "--host", "127.0.0.1", "--port", "0",
             "--load_fast", "true" if fast else "false", "--reload_interval", "1",
             "--samples_per_plugin", "images=100,scalars=10000,text=100"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
        self.output, self.address = [], None
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:  # to the end, or the board would block on a full pipe
            self.output.append(line)
            found = re.search(r"at (http://127\.0\.0\.1:\d+/)", line)
            if found:
                self.address = found.group(1)

    def __enter__(self):
        if not self.until(lambda: self.address or self.process.poll() is not None) or not self.address:
            self.__exit__()
            raise RuntimeError("TensorBoard did not start:\n" + "".join(self.output))
        return self

    def __exit__(self, *_error):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @staticmethod
    def until(condition):
        """Whether the condition came true in time."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.1)
        return False

    def raw(self, path, body=None, **query):
        address = self.address + "data/" + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data=data, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    def get(self, path, body=None, **query):
        """The JSON answer of a plugin: `get("scalars/tags")`; a body makes it a POST. None while it has no answer."""
        try:
            return json.loads(self.raw("plugin/" + path, body, **query))
        except urllib.error.HTTPError as error:
            if error.code in (400, 404):
                return None
            raise
