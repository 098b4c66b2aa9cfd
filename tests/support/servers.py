# A server under load, the first program of a container, and a look at what it has stored:
#
#   servers.py serve web|redis|postgres     starts it, then writes numbers to it, one after another, over one
#                                           connection; a number is printed once its write is acknowledged
#   servers.py stored web|redis|postgres    the numbers that it has, by another connection
#
# What it keeps on disk is in /data. The web server answers only as long as its file says what its memory says;
# Redis reads its file anew before it is asked.
import glob
import os
import socket
import struct
import subprocess
import sys
import threading
import time

MOST = 100000
PAUSE = 0.002


def connect(port):
    for _ in range(3000):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.01)
    raise SystemExit("the server does not answer")


def web():
    # Loaded by nobody else: that takes longer than all the rest.
    import http.client
    import http.server

    class Web:
        port = 8080

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            path_of_file = "/data/numbers"
            numbers = []
            file = None
            lock = threading.Lock()

            def answer(self, text, code=200):
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_POST(self):
                number = int(self.rfile.read(int(self.headers["Content-Length"])))
                with self.lock:
                    self.numbers.append(number)
                    self.file.write("%d\n" % number)
                self.answer(b"kept")

            def do_GET(self):
                with self.lock, open(self.path_of_file) as file:
                    text = "".join("%d\n" % number for number in self.numbers)
                    same = file.read() == text
                self.answer(text.encode(), 200 if same else 500)

            def log_message(self, *words):
                pass

        def start(self):
            if os.fork() > 0:
                return
            handler = self.Handler
            handler.file = open(handler.path_of_file, "a", buffering=1)
            with open(handler.path_of_file) as file:
                handler.numbers.extend(int(line) for line in file)
            http.server.ThreadingHTTPServer(("127.0.0.1", self.port), handler).serve_forever()

        def open(self):
            connect(self.port).close()
            self.client = http.client.HTTPConnection("127.0.0.1", self.port)

        def ask(self, method, body=None):
            self.client.request(method, "/", body)
            response = self.client.getresponse()
            text = response.read().decode()
            if response.status != 200:
                raise SystemExit("web: memory and file differ")
            return text

        def write(self, number):
            self.ask("POST", str(number))

        def stored(self):
            return [int(line) for line in self.ask("GET").split()]

    return Web()


class Redis:
    port = 6379

    def start(self):
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", "/data", "--save", "",
                 "--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "yes",
                 "--logfile", "/data/log", "--daemonize", "no"]
        # The package with the server's own name would bring its service; this is the same program.
        subprocess.Popen(words, executable="/usr/bin/redis-check-rdb")

    def open(self):
        self.file = connect(self.port).makefile("rwb")
        while self.ask("PING") != "PONG":  # it still reads its file
            time.sleep(0.01)

    def reply(self):
        line = self.file.readline().decode().rstrip()
        kind, rest = line[0], line[1:]
        if kind == "$":
            return self.file.read(int(rest) + 2)[:-2].decode()
        if kind == "*":
            return [self.reply() for _ in range(int(rest))]
        return int(rest) if kind == ":" else rest

    def ask(self, *words):
        self.file.write(b"*%d\r\n" % len(words))
        for word in words:
            self.file.write(b"$%d\r\n%s\r\n" % (len(word), word.encode()))
        self.file.flush()
        return self.reply()

    def write(self, number):
        answer = self.ask("RPUSH", "numbers", str(number))
        while str(answer).startswith("LOADING"):  # not taken: somebody looks at what is stored
            time.sleep(0.01)
            answer = self.ask("RPUSH", "numbers", str(number))
        if answer != number:
            raise SystemExit("redis: %s" % answer)

    def stored(self):
        answer = self.ask("DEBUG", "LOADAOF")
        if answer != "OK":
            raise SystemExit("redis: %s" % answer)
        return [int(word) for word in self.ask("LRANGE", "numbers", "0", "-1")]


class Postgres:
    port = 5432
    environment = dict(os.environ, LD_PRELOAD="/not-root.so")

    def start(self):
        programs = glob.glob("/postgres/usr/lib/postgresql/*/bin")[0]
        if not os.path.exists("/data/db/PG_VERSION"):
            subprocess.run([programs + "/initdb", "-D", "/data/db", "-U", "postgres", "-A", "trust", "-N",
                            "--locale=C", "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL,
                           env=self.environment)
        elif os.path.exists("/data/db/postmaster.pid"):
            os.unlink("/data/db/postmaster.pid")  # this is another life: its number may be anybody's now
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "/data",
                    "shared_buffers": "4MB", "max_connections": 10, "jit": "off", "timezone": "GMT",
                    "log_timezone": "GMT", "logging_collector": "off"}
        words = [programs + "/postgres", "-D", "/data/db"]
        for name, value in settings.items():
            words += ["-c", "%s=%s" % (name, value)]
        with open("/data/log", "a") as log:
            subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                             env=self.environment)

    def open(self):
        for _ in range(3000):
            if self.try_open():
                self.ask("CREATE TABLE IF NOT EXISTS numbers (n bigint PRIMARY KEY)")
                return
            time.sleep(0.01)
        raise SystemExit("postgres does not let in")

    def try_open(self):
        self.file = connect(self.port).makefile("rwb")
        words = b"user\0postgres\0database\0postgres\0\0"
        self.file.write(struct.pack("!II", len(words) + 8, 196608) + words)
        self.file.flush()
        while True:
            kind, body = self.message()
            if kind == b"Z":
                return True
            if kind in (b"E", b""):  # it still starts
                return False

    def message(self):
        kind = self.file.read(1)
        if not kind:
            return b"", b""
        size, = struct.unpack("!I", self.file.read(4))
        return kind, self.file.read(size - 4)

    def ask(self, text):
        words = text.encode() + b"\0"
        self.file.write(b"Q" + struct.pack("!I", len(words) + 4) + words)
        self.file.flush()
        rows = []
        while True:
            kind, body = self.message()
            if kind == b"Z":
                return rows
            if kind == b"D":
                rows.append(body[6:].decode())
            if kind in (b"E", b""):
                raise SystemExit("postgres: %s" % body)

    def write(self, number):
        self.ask("INSERT INTO numbers VALUES (%d)" % number)

    def stored(self):
        return [int(row) for row in self.ask("SELECT n FROM numbers ORDER BY n")]


def main(action, name):
    server = {"web": web, "redis": Redis, "postgres": Postgres}[name]()
    if action == "serve":
        server.start()
        server.open()
        for number in range(len(server.stored()) + 1, MOST):
            server.write(number)
            print(number, flush=True)
            time.sleep(PAUSE)
    else:
        server.open()
        print("\n".join(map(str, server.stored())))


main(*sys.argv[1:])
