// SPDX-License-Identifier: Apache-2.0
//
// The smallest server and the client that measures the way to it, for bench/route. Sends nothing but
// 64 bytes there and back, so that what is measured is the way.
//
//   probe serve PORT                    repeats what it is told; runs `iperf3 --server` beside it
//   probe latency ADDRESS PORT COUNT    round trips over one connection
//   probe connects ADDRESS PORT COUNT   connect, one round trip, close; one after another
//
// The client prints one line of JSON: times in microseconds, and how many a second.
//
// The client keeps to the machine's first processor and the server to its last: as on two machines, and
// the scheduler does not choose anew each time whether the two share one, which changes the time by two.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { message_bytes = 64, clients_max = 64, warm_up = 500 };

static void die(const char* what) {
    fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void send_at_once(int socket) {
    const int on = 1;
    if (setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) die("TCP_NODELAY");
}

static void keep_to(long processor) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET((size_t)processor, &only);
    if (sched_setaffinity(0, sizeof only, &only) != 0) die("keeping to a processor");
}

// --- server -------------------------------------------------------------------------------------

static void on_terminate(int signal_number) {
    (void)signal_number;
    _exit(0);
}

static void run_iperf(void) {
    const pid_t child = fork();
    if (child < 0) die("fork");
    if (child > 0) return;
    execlp("iperf3", "iperf3", "--server", (char*)NULL);
    die("iperf3");
}

static int listen_at(int port) {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    if (bind(listener, (struct sockaddr*)&at, sizeof at) != 0 || listen(listener, 128) != 0) die("listening");
    return listener;
}

static void serve(int port) {
    signal(SIGTERM, on_terminate);
    signal(SIGPIPE, SIG_IGN);
    run_iperf();
    keep_to(sysconf(_SC_NPROCESSORS_ONLN) - 1);
    struct pollfd watched[1 + clients_max] = {{.fd = listen_at(port), .events = POLLIN}};
    nfds_t used = 1;
    for (;;) {
        if (poll(watched, used, -1) < 0 && errno != EINTR) die("poll");
        for (nfds_t i = used - 1; i > 0; --i) {
            if (watched[i].revents == 0) continue;
            char data[4096];
            const ssize_t got = read(watched[i].fd, data, sizeof data);
            if (got > 0 && write(watched[i].fd, data, (size_t)got) == got) continue;
            close(watched[i].fd);
            watched[i] = watched[--used];
        }
        if ((watched[0].revents & POLLIN) == 0) continue;
        const int client = accept(watched[0].fd, NULL, NULL);
        if (client < 0) continue;
        if (used > clients_max) {
            close(client);
            continue;
        }
        send_at_once(client);
        watched[used++] = (struct pollfd){.fd = client, .events = POLLIN};
    }
}

// --- client -------------------------------------------------------------------------------------

static int connect_to(const struct sockaddr_in* where) {
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(server, (const struct sockaddr*)where, sizeof *where) != 0) die("connecting");
    send_at_once(server);
    return server;
}

static void round_trip(int server) {
    char data[message_bytes] = {0};
    if (write(server, data, sizeof data) != sizeof data) die("sending");
    if (recv(server, data, sizeof data, MSG_WAITALL) != sizeof data) die("receiving");
}

static int by_size(const void* left, const void* right) {
    const double a = *(const double*)left;
    const double b = *(const double*)right;
    return (a > b) - (a < b);
}

static void report(double* times, int count, double whole) {
    qsort(times, (size_t)count, sizeof *times, by_size);
    printf("{\"p50_us\": %.3f, \"p99_us\": %.3f, \"per_second\": %.1f}\n", times[count / 2],
           times[(int)((double)count * 0.99)], (double)count / whole * 1e6);
}

static void measure(const struct sockaddr_in* where, int count, int reconnect) {
    double* const times = calloc((size_t)count, sizeof *times);
    if (times == NULL) die("memory");
    int server = reconnect ? -1 : connect_to(where);
    for (int i = 0; !reconnect && i < warm_up; ++i) round_trip(server);
    const double begin = now_us();
    for (int i = 0; i < count; ++i) {
        const double start = now_us();
        if (reconnect) server = connect_to(where);
        round_trip(server);
        if (reconnect) close(server);
        times[i] = now_us() - start;
    }
    report(times, count, now_us() - begin);
    free(times);
}

int main(int argc, char** argv) {
    if (argc == 3 && strcmp(argv[1], "serve") == 0) serve(atoi(argv[2]));
    const int reconnect = argc == 5 && strcmp(argv[1], "connects") == 0;
    if (!reconnect && (argc != 5 || strcmp(argv[1], "latency") != 0)) {
        fprintf(stderr, "usage: probe serve PORT | latency ADDRESS PORT COUNT | connects ADDRESS PORT COUNT\n");
        return 2;
    }
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[3]))};
    const int count = atoi(argv[4]);
    keep_to(0);
    if (inet_pton(AF_INET, argv[2], &where.sin_addr) != 1 || count < 1) {
        fprintf(stderr, "probe: '%s' is no address, or '%s' no number\n", argv[2], argv[4]);
        return 2;
    }
    measure(&where, count, reconnect);
    return 0;
}
