// SPDX-License-Identifier: Apache-2.0
//
// The smallest database: an append-only file behind a TCP port. The tests and the benches run it in
// a container where PostgreSQL would be too slow to start a hundred times.
//
//   add TEXT   appends the line; "ok COUNT" when it is on the disk
//   count      "COUNT"
//   list       "COUNT", then that many lines, oldest first
//
// Anything else: "error". A line that was acknowledged survives a power loss. One whose writing was
// cut short was not acknowledged and is dropped at the next start. SIGTERM ends it at once with 0.
// LEDGER_DIR (default /data) is where `ledger` lies, LEDGER_PORT (default 7000) where it listens.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { max_clients = 256, max_line = 2 * 1024 * 1024 };

struct client {
    char* line;
    size_t length;
    size_t capacity;
};

static int file;
static off_t file_size;
static unsigned long long count;
static struct pollfd sockets[1 + max_clients];  // The first one listens.
static struct client clients[1 + max_clients];
static nfds_t used = 1;

static void die(const char* what) {
    fprintf(stderr, "ledger: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void on_terminate(int signal_number) {
    (void)signal_number;
    _exit(0);
}

static int write_all(int to, const char* data, size_t size) {
    while (size > 0) {
        ssize_t written = write(to, data, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return -1;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

static int answer(int to, const char* format, ...) {
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return write_all(to, text, (size_t)size);
}

// Counts the lines and cuts off what no newline ends.
static void open_ledger(const char* folder) {
    mkdir(folder, 0755);
    int directory = open(folder, O_RDONLY | O_DIRECTORY);
    if (directory < 0) die(folder);
    file = openat(directory, "ledger", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) die("ledger");
    if (fsync(directory) != 0) die("fsync");
    close(directory);
    static char block[1 << 16];
    off_t position = 0;
    ssize_t got;
    while ((got = pread(file, block, sizeof block, position)) > 0) {
        for (ssize_t i = 0; i < got; ++i) {
            if (block[i] != '\n') continue;
            ++count;
            file_size = position + i + 1;
        }
        position += got;
    }
    if (got < 0) die("reading the ledger");
    if (ftruncate(file, file_size) != 0 || lseek(file, file_size, SEEK_SET) < 0) die("truncating the ledger");
}

// A line that could not be written whole (a full disk) is taken back, so that the file never holds
// half of one before another.
static int add(int to, const char* text, size_t size) {
    if (write_all(file, text, size) != 0 || fdatasync(file) != 0) {
        fprintf(stderr, "ledger: writing: %s\n", strerror(errno));
        if (ftruncate(file, file_size) != 0 || lseek(file, file_size, SEEK_SET) < 0) die("truncating the ledger");
        return answer(to, "error\n");
    }
    file_size += (off_t)size;
    ++count;
    return answer(to, "ok %llu\n", count);
}

static int list(int to) {
    static char block[1 << 16];
    if (answer(to, "%llu\n", count) != 0) return -1;
    for (off_t position = 0; position < file_size;) {
        ssize_t got = pread(file, block, sizeof block, position);
        if (got <= 0 || write_all(to, block, (size_t)got) != 0) return -1;
        position += got;
    }
    return 0;
}

// `line` ends with its newline.
static int serve_line(int to, const char* line, size_t size) {
    if (size >= 5 && memcmp(line, "add ", 4) == 0) return add(to, line + 4, size - 4);
    if (size == 6 && memcmp(line, "count\n", 6) == 0) return answer(to, "%llu\n", count);
    if (size == 5 && memcmp(line, "list\n", 5) == 0) return list(to);
    return answer(to, "error\n");
}

// Returns -1 when the connection is to be closed.
static int serve(int socket, struct client* client) {
    if (client->length == client->capacity) {
        if (client->capacity >= max_line) return -1;
        client->capacity = client->capacity ? client->capacity * 2 : 4096;
        client->line = realloc(client->line, client->capacity);
        if (client->line == NULL) die("memory");
    }
    ssize_t got = read(socket, client->line + client->length, client->capacity - client->length);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
    if (got <= 0) return -1;
    char* begin = client->line;
    char* end = client->line + client->length + got;
    char* newline;
    char* unread = client->line + client->length;
    while ((newline = memchr(unread, '\n', (size_t)(end - unread))) != NULL) {
        if (serve_line(socket, begin, (size_t)(newline + 1 - begin)) != 0) return -1;
        begin = unread = newline + 1;
    }
    client->length = (size_t)(end - begin);
    memmove(client->line, begin, client->length);
    return 0;
}

static void accept_client(void) {
    int socket = accept4(sockets[0].fd, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0) return;
    if (used > max_clients) {
        close(socket);
        return;
    }
    int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockets[used] = (struct pollfd){.fd = socket, .events = POLLIN};
    clients[used] = (struct client){0};
    ++used;
}

static void drop_client(nfds_t i) {
    close(sockets[i].fd);
    free(clients[i].line);
    --used;
    sockets[i] = sockets[used];
    clients[i] = clients[used];
}

static void listen_on(unsigned port) {
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0 || setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(socket_, (struct sockaddr*)&address, sizeof address) != 0 || listen(socket_, 512) != 0) {
        die("listening");
    }
    sockets[0] = (struct pollfd){.fd = socket_, .events = POLLIN};
}

int main(void) {
    const char* folder = getenv("LEDGER_DIR");
    const char* port = getenv("LEDGER_PORT");
    struct sigaction terminate = {.sa_handler = on_terminate};
    sigaction(SIGTERM, &terminate, NULL);
    sigaction(SIGINT, &terminate, NULL);
    signal(SIGPIPE, SIG_IGN);
    open_ledger(folder ? folder : "/data");
    listen_on(port ? (unsigned)atoi(port) : 7000);
    for (;;) {
        if (poll(sockets, used, -1) < 0 && errno != EINTR) die("poll");
        for (nfds_t i = used - 1; i >= 1; --i) {
            if (sockets[i].revents != 0 && serve(sockets[i].fd, &clients[i]) != 0) drop_client(i);
        }
        if (sockets[0].revents & POLLIN) accept_client();
    }
}
