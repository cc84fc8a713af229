/* Bencode, which the ng protocol speaks: written into a buffer, and read in place. */
#include <stdio.h>
#include <string.h>

#include "../private/rtpengine.h"

#define MAX_DEPTH 16

static void add(ben_writer *w, const char *bytes, size_t size)
{
    if (w->full || size > w->room - w->size) {
        w->full = true;
        return;
    }
    memcpy(w->data + w->size, bytes, size);
    w->size += size;
}

static void add_string(ben_writer *w, const char *text)
{
    char head[24];
    size_t length = strlen(text);
    add(w, head, (size_t)snprintf(head, sizeof(head), "%zu:", length));
    add(w, text, length);
}

void ben_begin(ben_writer *w, char *data, size_t room)
{
    *w = (ben_writer){.data = data, .room = room};
    add(w, "d", 1);
}

void ben_text(ben_writer *w, const char *key, const char *value)
{
    add_string(w, key);
    add_string(w, value);
}

void ben_number(ben_writer *w, const char *key, long long value)
{
    char text[32];
    add_string(w, key);
    add(w, text, (size_t)snprintf(text, sizeof(text), "i%llde", value));
}

void ben_list(ben_writer *w, const char *key, const char *first, const char *second)
{
    add_string(w, key);
    add(w, "l", 1);
    add_string(w, first);
    if (second != NULL)
        add_string(w, second);
    add(w, "e", 1);
}

bool ben_end(ben_writer *w)
{
    add(w, "e", 1);
    return !w->full;
}

/* ---------------------------------------------------------------- reading */

/* The bytes of a string and where they begin; 0: it is none, or runs past the end. */
static size_t string_at(const char *data, size_t size, size_t *length)
{
    size_t at = 0, value = 0;
    while (at < size && at < 8 && data[at] >= '0' && data[at] <= '9')
        value = value * 10 + (size_t)(data[at++] - '0');
    if (at == 0 || at >= size || data[at] != ':' || value > size - at - 1)
        return 0;
    *length = value;
    return at + 1;
}

/* The length of the value that begins here; 0: it is malformed. */
static size_t extent(const char *data, size_t size, int depth)
{
    if (size == 0 || depth > MAX_DEPTH)
        return 0;
    if (data[0] == 'i') {
        const char *end = memchr(data, 'e', size);
        return end != NULL ? (size_t)(end - data) + 1 : 0;
    }
    if (data[0] != 'd' && data[0] != 'l') {
        size_t length, start = string_at(data, size, &length);
        return start != 0 ? start + length : 0;
    }
    size_t at = 1;
    while (at < size && data[at] != 'e') {
        size_t one = extent(data + at, size - at, depth + 1);
        if (one == 0)
            return 0;
        at += one;
    }
    return at < size ? at + 1 : 0;
}

ben_value ben_get(ben_value dictionary, const char *key)
{
    const char *data = dictionary.data;
    size_t size = dictionary.size, at = 1;
    if (size < 2 || data[0] != 'd')
        return (ben_value){0};
    while (at < size && data[at] != 'e') {
        size_t length, start = string_at(data + at, size - at, &length);
        if (start == 0)
            break;
        bool found = length == strlen(key) && memcmp(data + at + start, key, length) == 0;
        at += start + length;
        size_t value = extent(data + at, size - at, 0);
        if (value == 0)
            break;
        if (found)
            return (ben_value){data + at, value};
        at += value;
    }
    return (ben_value){0};
}

ben_value ben_at(ben_value list, unsigned index)
{
    size_t at = 1;
    if (list.size < 2 || list.data[0] != 'l')
        return (ben_value){0};
    while (at < list.size && list.data[at] != 'e') {
        size_t value = extent(list.data + at, list.size - at, 0);
        if (value == 0)
            break;
        if (index-- == 0)
            return (ben_value){list.data + at, value};
        at += value;
    }
    return (ben_value){0};
}

ben_value ben_string(ben_value value)
{
    size_t length, start = value.size != 0 ? string_at(value.data, value.size, &length) : 0;
    return start != 0 ? (ben_value){value.data + start, length} : (ben_value){0};
}

long long ben_integer(ben_value value)
{
    long long number = 0;
    if (value.size < 3 || value.data[0] != 'i')
        return 0;
    bool negative = value.data[1] == '-';
    for (size_t at = negative ? 2 : 1; at < value.size - 1 && at < 19; at++) {
        if (value.data[at] < '0' || value.data[at] > '9')
            return 0;
        number = number * 10 + (value.data[at] - '0');
    }
    return negative ? -number : number;
}
