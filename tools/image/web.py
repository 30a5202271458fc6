#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The demo's front: a page with what is in PostgreSQL and in the Redis queue.

    GET  /        the page
    GET  /status  the same as JSON: {"rows": .., "queue": ..}
    POST /rows    one row more, and its number into the queue

Where the two are it reads from the link variables (aliases `db` and `queue`). Every request makes
connections of its own and repeats them until ten seconds have passed, so that a database which
restarts or moves costs a visitor a pause and not an error. A row has a name that the front chose:
repeated after a lost answer it is still one row.
"""
import html
import http.server
import json
import os
import signal
import time
import uuid

import psycopg2
import redis

PATIENCE = 10.0
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Flocker demo</title>
<style>body{{font:1.2rem/1.6 sans-serif;max-width:36rem;margin:4rem auto}}b{{font-size:3rem}}</style>
<h1>Flocker demo</h1><p><b>{rows}</b> rows in PostgreSQL at {db}</p><p><b>{queue}</b> jobs in the Redis queue at {redis}</p>
<form method="post" action="/rows"><button>Add a row</button></form></html>
"""


def link(alias, port):
    """(host, port) of a link, from the variables that Flocker sets."""
    name = f"{alias.upper()}_PORT_{port}_TCP"
    return os.environ[f"{name}_ADDR"], int(os.environ[f"{name}_PORT"])


def patiently(work):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except (psycopg2.OperationalError, psycopg2.InterfaceError, redis.ConnectionError, redis.TimeoutError):
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


def with_database(work):
    def once():
        host, port = link("db", 5432)
        connection = psycopg2.connect(host=host, port=port, user="postgres", dbname="postgres",
                                      connect_timeout=int(PATIENCE))
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("create table if not exists visits "
                               "(name uuid primary key, at timestamptz not null default now())")
                return work(cursor)
        finally:
            connection.close()
    return patiently(once)


def with_queue(work):
    def once():
        host, port = link("queue", 6379)
        connection = redis.Redis(host=host, port=port, socket_timeout=PATIENCE)
        try:
            return work(connection)
        finally:
            connection.close()
    return patiently(once)


def count_rows(cursor):
    cursor.execute("select count(*) from visits")
    return cursor.fetchone()[0]


def add_row(name):
    with_database(lambda cursor: cursor.execute("insert into visits (name) values (%s) on conflict do nothing", (name,)))
    with_queue(lambda connection: connection.rpush("jobs", name))


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path not in ("/", "/status"):
            return self.answer(404, "text/plain", "no such page\n")
        return self.answered(lambda: self.show(self.path == "/status"))

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/rows":
            return self.answer(404, "text/plain", "no such page\n")
        return self.answered(self.add)

    def show(self, as_json):
        rows, queue = with_database(count_rows), with_queue(lambda connection: connection.llen("jobs"))
        if as_json:
            return self.answer(200, "application/json", json.dumps({"rows": rows, "queue": queue}) + "\n")
        where = {"db": "%s:%d" % link("db", 5432), "redis": "%s:%d" % link("queue", 6379)}
        return self.answer(200, "text/html; charset=utf-8", PAGE.format(rows=rows, queue=queue, **where))

    def add(self):
        add_row(str(uuid.uuid4()))
        return self.answer(303, "text/plain", "added\n", Location="/")

    def answered(self, work):
        try:
            return work()
        except (psycopg2.Error, redis.RedisError, KeyError) as error:
            return self.answer(503, "text/plain; charset=utf-8", html.escape(f"{type(error).__name__}: {error}\n"))

    def answer(self, status, kind, text, **headers):
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    http.server.ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Front).serve_forever()
