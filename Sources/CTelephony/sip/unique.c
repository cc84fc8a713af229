/*
 * PJSIP makes its tags, branches and Call-IDs, ten for each call transferred, by the system's libuuid, or by what
 * another library offers under its names: that opens /dev/urandom and formats by printf each time. These two take
 * their place in PJSIP as in all else that is linked with us: version 4, random (RFC 9562 §5.4), from the kernel as
 * before, but some hundred at a time.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define UUID_SIZE 16
#define POOLED 128

/* Weak: where everything is linked into one file, the library's own are as good. */
__attribute__((weak)) void uuid_generate(uint8_t out[UUID_SIZE]);
__attribute__((weak)) void uuid_unparse(const uint8_t uuid[UUID_SIZE], char *out);

static struct {
    pthread_mutex_t mutex;
    size_t left;
    uint8_t bytes[POOLED][UUID_SIZE];
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void refill(void)
{
    for (size_t at = 0; at < sizeof(pool.bytes);) {
        ssize_t count = getrandom((uint8_t *)pool.bytes + at, sizeof(pool.bytes) - at, 0);
        if (count >= 0)
            at += (size_t)count;
        else if (errno != EINTR)
            abort(); /* there is no such kernel; guessable tags would be worse */
    }
    pool.left = POOLED;
}

void uuid_generate(uint8_t out[UUID_SIZE])
{
    pthread_mutex_lock(&pool.mutex);
    if (pool.left == 0)
        refill();
    uint8_t *next = pool.bytes[--pool.left];
    memcpy(out, next, UUID_SIZE);
    memset(next, 0, UUID_SIZE); /* what has been used can be learned from the message alone */
    pthread_mutex_unlock(&pool.mutex);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void uuid_unparse(const uint8_t uuid[UUID_SIZE], char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[uuid[i] >> 4];
        *out++ = digits[uuid[i] & 15];
    }
    *out = 0;
}
